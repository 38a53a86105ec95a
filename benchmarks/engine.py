"""The engine alone, under synthetic load: how many sessions it holds, beside what the device allows.

    python -m benchmarks.engine --provider cpu|cuda [--workers 8] [--seconds 5] [--json OUT]

Parity comes first: the steps of the sample clip give the probabilities of fp32 on the CPU within 1e-4 in fp32 and
within 1e-2 in fp16; otherwise nothing is measured. Then: the most sessions at 25 steps a second whose p99 is below
40 ms (`benchmarks.engine_load`), crops a second, one array through the engine beside the same through bare onnxruntime
sessions, and the floor (`benchmarks.engine_floor`). States are in slots on either provider, so the CPU runs the code
that CUDA would: the service keeps them in arrays there, which is faster. fp16 is timed on CUDA alone; a CPU computes it
in fp32. Where CUDA does not work, `--provider cuda` ends with an error. A table goes to standard error.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks.arithmetic import rounded
from benchmarks.engine_floor import Device, work
from benchmarks.engine_load import Trial, most_held
from benchmarks.machine import card, description
from benchmarks.serving import SAMPLE, say
from service.analysis import Analyser
from service.cli.pipeline import Pipeline
from service.cli.sources import open_source
from service.domain import Measurement, Provider, Step
from service.engine import Engine
from service.engine.buckets import ON_DEVICE
from service.engine.engine import WEIGHTS
from service.engine.providers import open_session, select_provider
from service.engine.types import ANSWERS, EVIDENCE
from service.errors import ProviderUnavailable
from service.representation import CROP_SIZE, STEP_RATE
from service.settings import Settings

FORMS: Final = {"fp32": (WEIGHTS, 1e-4), "fp16": (WEIGHTS / "fp16", 1e-2)}
"""Folder of weights, and by how much its probabilities may differ."""

_ROUNDS: Final = 15


def main() -> int:
    """Measure, report; 1 where the provider does not work or the numbers differ."""
    parser = argparse.ArgumentParser(description="The engine alone, under synthetic load.")
    parser.add_argument("--provider", choices=("cpu", "cuda"), required=True)
    parser.add_argument("--workers", type=int, default=8, help="arrays of sessions [default 8]")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each trial [default 5]")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    provider: Provider = arguments.provider
    try:
        engines = {form: Engine.load(folder, provider, slots=True) for form, (folder, _) in FORMS.items()}
    except ProviderUnavailable as error:
        say(f"benchmarks.engine: {error.detail}")
        return 1
    steps = recorded_steps()
    parity = {form: difference(engine, steps) for form, engine in engines.items()}
    for form, found in parity.items():
        say(f"{form}: probabilities differ by at most {found:.1e}, {FORMS[form][1]:g} allowed")
    if not all(found <= FORMS[form][1] for form, found in parity.items()):
        return 1
    timed = FORMS if provider == "cuda" else ("fp32",)
    with TemporaryDirectory() as folder:
        device = Device.measured(provider, Path(folder))
    report = {
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "provider": provider,
        "cuda": "run" if provider == "cuda" else f"not run: {_without_cuda()}",
        "machine": description() | {"card": card() or "none"},
        "workers": arguments.workers,
        "seconds": arguments.seconds,
        "device": asdict(device),
        "forms": {
            form: {"parity": parity[form]}
            | (_measured(engine, form, device, arguments.workers, arguments.seconds) if form in timed else {})
            for form, engine in engines.items()
        },
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(rounded(report), indent=1) + "\n")
    return 0


def recorded_steps() -> list[Step]:
    """Of the sample clip."""
    with (
        Pipeline(Settings(), "cpu") as pipeline,
        open_source(str(SAMPLE)) as source,
        pipeline.decode(source) as media,
    ):
        return list(pipeline.perceive(media, "all"))


def difference(engine: Engine, steps: list[Step]) -> float:
    """The largest between a probability of `engine` and that of fp32 on the CPU with states in arrays."""

    def measured(one: Engine) -> list[Measurement]:
        analyser = Analyser(one)
        return [measurement for step in steps for measurement in analyser.push([step])]

    pairs = zip(measured(Engine.load(WEIGHTS, "cpu")), measured(engine), strict=True)
    return max(
        float(np.abs(getattr(one, name) - getattr(other, name)).max())
        for one, other in pairs
        for name in ("probabilities", "overall")
    )


def _measured(engine: Engine, form: str, device: Device, workers: int, seconds: float) -> dict[str, Any]:
    held, trials = most_held(engine, workers=workers, seconds=seconds)
    crops = crops_per_second(engine)
    most = held.sessions if held else 0
    counted, rows = work(FORMS[form][0]), max(1, round(held.rows_per_run)) if held else 1
    least = {name: one.seconds(device, rows) for name, one in counted.items()}
    allowed = 1 / (STEP_RATE * sum(least.values()))
    array = max(1, most // workers)
    bare, own = beside_bare(engine, form, array)
    say(f"{form}: {most} sessions, {most / allowed:.1%} of the floor's {allowed:.0f}")
    say(f"{crops:.0f} crops a second, {crops * least['crop']:.1%} of the floor's")
    say(f"an array of {array} sessions at {bare / own:.2f} of the speed of bare onnxruntime")
    for trial in sorted(trials, key=lambda one: one.sessions):
        say(_row(trial))
    return {
        "sessions": most,
        "crops_per_second": crops,
        "bare": {"sessions": array, "ms": 1000 * bare, "engine_ms": 1000 * own, "ratio": bare / own},
        "floor": {
            "sessions": allowed,
            "sessions_ratio": most / allowed,
            "crops_ratio": crops * least["crop"],
            **{name: asdict(one) | {"us": 1e6 * least[name]} for name, one in counted.items()},
        },
        "trials": {str(trial.sessions): asdict(trial) for trial in trials},
    }


def crops_per_second(engine: Engine) -> float:
    """Of the face encoder, in the largest runs that it makes."""
    crops = np.random.default_rng(0).integers(0, 256, (ON_DEVICE.encoder, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    engine.encode(crops)
    return len(crops) / _median_seconds(lambda: engine.encode(crops))[0]


def beside_bare(engine: Engine, form: str, sessions: int) -> tuple[float, float]:
    """Seconds of one step of so many sessions in bare onnxruntime sessions, states in arrays, and in the engine."""
    encoder, fusion = (
        open_session(FORMS[form][0] / f"{name}.onnx", engine.provider, threads=1) for name in ("face_encoder", "fusion")
    )
    crops = np.random.default_rng(0).integers(0, 256, (sessions, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    blank = engine.silence(people=sessions, steps=1)
    feeds = {name: getattr(blank, name).copy() for name in EVIDENCE} | {"state": blank.state.read().copy()}
    states = [blank.state]

    def bare() -> None:
        embedding, _ = encoder.run(["embedding", "probabilities"], {"crops": crops})
        feeds["face"][:, 0] = embedding
        *_, feeds["state"] = fusion.run([*ANSWERS, "next_state"], feeds)

    def own() -> None:
        blank.face[:, 0] = engine.encode(crops).embedding
        states[0] = engine.advance(replace(blank, state=states[0])).next_state

    first, second = _median_seconds(bare, own)
    return first, second


def _median_seconds(*calls: Callable[[], object]) -> list[float]:
    """Of each, taken in turn."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(_ROUNDS):
        for call, taken in zip(calls, times, strict=True):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)
    return [median(taken) for taken in times]


def _row(trial: Trial) -> str:
    return (
        f"{trial.sessions:8d} sessions: p50 {trial.p50_ms:6.1f} ms, p99 {trial.p99_ms:6.1f} ms, "
        f"{trial.rows_per_run:.0f} rows a run{'' if trial.held else ', not held'}"
    )


def _without_cuda() -> str:
    try:
        select_provider("cuda")
    except ProviderUnavailable:
        return "no CUDA machine at hand"
    return "the CPU was asked for"


if __name__ == "__main__":
    sys.exit(main())
