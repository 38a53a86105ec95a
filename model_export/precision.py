"""Smaller and faster forms of the face encoder, and whether they are good enough to ship.

The face encoder does most of the arithmetic, and is what is changed. The attention-LSTM stays in fp32: its state is a
sum over a whole recording that has to stay exact, and a step of it is too little work to gain from less of it: 0.4
million multiply-adds beside the 25 million of a crop (`benchmarks.engine` counts them), in twenty operators that would
each need casts around it.

*int8*, for CPUs: weights and activations of the convolutions, ranges calibrated on faces (static). Weights have seven
bits, so that CPUs with and without VNNI give the same numbers: what a replica computes must not depend on its CPU.
*fp16*, for CUDA: the convolutions; what normalises a crop before them stays in fp32.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from model_export.evaluate import evaluate_faces
from service.domain import Provider
from service.engine import Engine
from service.engine.metadata import PREFIX
from service.errors import ProviderUnavailable

from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static  # isort: skip (after the engine)
from onnxruntime.transformers.float16 import convert_float_to_float16  # isort: skip

logger = logging.getLogger(__name__)

WORSE: Final = 0.005
"""Largest loss of accuracy of a form that ships."""

ENCODER: Final = "face_encoder.onnx"
MADE_FROM: Final = f"{PREFIX}made_from"
"""Metadata of a form: SHA-256 of the file that it was made from."""

BEGIN: Final = "<!-- forms: written by `python -m model_export precision` -->"
END: Final = "<!-- end of forms -->"

_CALIBRATED_ON: Final = 512
_BATCH: Final = 16
_ROUNDS: Final = 60


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the face encoder."""

    name: str
    provider: Provider
    make: Callable[[Path, Path, NDArray[np.uint8]], None]
    """From the fp32 file to a new one, with faces to calibrate on."""


def write_forms(weights: Path, faces: Path, calibration: Path, out: Path) -> list[dict[str, Any]]:
    """Make every form of the files in `weights`, score it on the .npz `faces` (see `evaluate_faces`), time it, and
    write it as a folder of weights below `out` where it loses at most `WORSE` and is not known to be no faster (what
    runs it may not be here; nothing takes a form that was not asked for). A form that is not good enough is removed
    from there. Ranges are calibrated on pictures of the .npz `calibration`.

    Returns one row for fp32 and each form: `form`, `provider`, `faces` and `encoder` (accuracy, mean recall), `bytes`
    of the encoder, `speed` (over fp32, None where the provider is not here) and `ships`.
    """
    with np.load(calibration) as stored:
        images = stored["images"]
    images = images[:: max(1, len(images) // _CALIBRATED_ON)][:_CALIBRATED_ON]
    whole = Engine.load(weights, "cpu")
    reference = {"form": "fp32", "provider": "any", **_scores(whole, faces), "bytes": _size(weights), "speed": 1.0}
    rows = [{**reference, "ships": True}]
    with TemporaryDirectory() as folder:
        for form in FORMS:
            made = Path(folder, form.name)
            made.mkdir()
            shutil.copyfile(weights / "fusion.onnx", made / "fusion.onnx")
            form.make(weights / ENCODER, made / ENCODER, images)
            _describe(weights / ENCODER, made / ENCODER)
            speed = _speed(weights, made, form.provider, images)
            row = {"form": form.name, "provider": form.provider, **_scores(Engine.load(made, "cpu"), faces)}
            row |= {"bytes": _size(made), "speed": speed, "ships": speed is None or speed > 1}
            row["ships"] = row["ships"] and all(
                row[part]["accuracy"] >= reference[part]["accuracy"] - WORSE for part in ("faces", "encoder")
            )
            shutil.rmtree(out / form.name, ignore_errors=True)
            if row["ships"]:
                shutil.copytree(made, out / form.name)
            rows.append(row)
    return rows


def as_table(rows: list[dict[str, Any]]) -> str:
    """The rows of `write_forms` as a table in Markdown."""
    lines = [
        "| form | runs on | faces: accuracy, mean recall | encoder's head: accuracy, mean recall | encoder's size | "
        "speed of the encoder | ships |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        speed = "not measured" if row["speed"] is None else f"{row['speed']:.2f} ×"
        parts = [f"{100 * row[p]['accuracy']:.2f}%, {100 * row[p]['mean_recall']:.2f}%" for p in ("faces", "encoder")]
        size = f"{row['bytes'] / 1e6:.2f} MB"
        cells = [row["form"], row["provider"], *parts, size, speed, "yes" if row["ships"] else "no"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def fill_document(document: str, rows: list[dict[str, Any]]) -> str:
    """`document` with the table between the markers. Raises ValueError where it lacks them."""
    if BEGIN not in document or END not in document:
        raise ValueError("the document has no place for the table")
    before, rest = document.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{as_table(rows)}\n\n{END}{rest.split(END, 1)[1]}"


def digest(file: Path) -> str:
    """SHA-256 of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def make_int8(source: Path, target: Path, images: NDArray[np.uint8]) -> None:
    """Convolutions of `source` in int8, their ranges from `images` [N, 48, 48]."""
    quantize_static(
        str(source),
        str(target),
        _Pictures(images),
        per_channel=True,
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv", "Relu", "Add"],
        nodes_to_exclude=[node.name for node in _before_convolutions(onnx.load(str(source)))],
    )


def make_fp16(source: Path, target: Path, _images: NDArray[np.uint8]) -> None:
    """Everything of `source` from the first convolution on in fp16, inputs and outputs as they are."""
    model = onnx.load(str(source))
    kept = [node.name for node in _before_convolutions(model)]
    onnx.save(convert_float_to_float16(model, keep_io_types=True, node_block_list=kept), str(target))


FORMS: Final = (Form("int8", "cpu", make_int8), Form("fp16", "cuda", make_fp16))


class _Pictures(CalibrationDataReader):  # type: ignore[misc]  # the package has no types
    """Batches of crops, as calibration asks for them."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._batches = iter([images[start : start + 32] for start in range(0, len(images), 32)])

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"crops": batch}


def _before_convolutions(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    for node in model.graph.node:
        if node.op_type == "Conv":
            return
        yield node


def _describe(source: Path, target: Path) -> None:
    """Say of the new file what the old one says of itself, and what it was made from."""
    properties = {entry.key: entry.value for entry in onnx.load(str(source)).metadata_props}
    model = onnx.load(str(target))
    onnx.helper.set_model_props(model, properties | {MADE_FROM: json.dumps(digest(source))})
    onnx.save(model, str(target))


def _scores(engine: Engine, faces: Path) -> dict[str, Any]:
    scores = evaluate_faces(engine, faces)
    kept = ("accuracy", "mean_recall")
    return {"faces": {key: scores[key] for key in kept}, "encoder": {key: scores["encoder"][key] for key in kept}}


def _size(weights: Path) -> int:
    return (weights / ENCODER).stat().st_size


def _speed(weights: Path, made: Path, provider: Provider, images: NDArray[np.uint8]) -> float | None:
    """How many times as fast the encoder in `made` is: median times of runs in turn, which meet the same load."""
    try:
        engines = [Engine.load(folder, provider) for folder in (weights, made)]
    except ProviderUnavailable as error:
        logger.warning("%s is not timed: %s", made.name, error.detail)
        return None
    # On the CPU a run is the work of the calling thread alone: its own time leaves out what else the machine does.
    clock = time.thread_time if provider == "cpu" else time.perf_counter
    times: list[list[float]] = [[], []]
    for _ in range(_ROUNDS):
        for engine, taken in zip(engines, times, strict=True):
            began = clock()
            engine.encode(images[:_BATCH])
            taken.append(clock() - began)
    return float(np.median(times[0]) / np.median(times[1]))
