"""The benchmark of the engine alone."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed (extras `train` and `dev`)")

from benchmarks import engine as benchmark
from benchmarks import engine_load
from benchmarks.engine_floor import Device, Work, work
from benchmarks.engine_load import Trial, Worker, most_held
from service.engine import Engine
from service.engine.engine import WEIGHTS


def _trial(sessions: int, p99_ms: float) -> Trial:
    return Trial(sessions, 1.0, p99_ms, 25.0 * sessions, 1.0, 0, 0)


def test_sessions_come_and_go_and_their_number_stays() -> None:
    worker = Worker(Engine.load(provider="cpu", slots=True), 40, seed=0)
    for number in range(76):
        worker.tick(number)
    assert len(set(worker.numbers.tolist())) == 40
    assert worker.numbers.max() == 39 + worker.joined
    assert worker.joined == worker.left > 0


def test_a_trial_counts_the_steps_of_all_sessions() -> None:
    trial = engine_load.run(Engine.load(provider="cpu"), 3, workers=2, seconds=1)
    assert trial.sessions == 3
    assert 0 < trial.p50_ms <= trial.p99_ms


@pytest.mark.parametrize(("limit", "low"), [(0, 0), (1, 1), (37, 34), (1000, 900)])
def test_the_search_ends_within_a_tenth_of_what_is_held(limit: int, low: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_engine: object, sessions: int, *, workers: int, seconds: float) -> Trial:
        assert (workers, seconds) == (8, 5)
        return _trial(sessions, 10 if sessions <= limit else 90)

    monkeypatch.setattr(engine_load, "run", run)
    held, trials = most_held(Engine.load(provider="cpu"), workers=8, seconds=5)
    assert low <= (held.sessions if held else 0) <= limit
    assert len(trials) < 30


def test_what_is_counted_is_what_the_networks_do() -> None:
    counted = work(WEIGHTS)
    state = 4 * Engine.load(provider="cpu").fusion.state_size
    assert counted["step"].device_bytes - counted["step"].bus_bytes == 2 * state
    assert counted["step"].bus_bytes == 4 * (128 + 1 + 256 + 1 + 25 + 8 + 1) + 4 * (7 + 7 + 7 + 25)
    assert counted["crop"].bus_bytes == 48 * 48 + 4 * (128 + 7)
    assert counted["crop"].multiply_adds > 18e6


def test_the_floor_is_what_takes_longer_of_memory_and_arithmetic() -> None:
    device = Device(bytes_per_second=1000, multiply_adds_per_second=100)
    assert Work(200, 0, 1000, 0).seconds(device, 1) == pytest.approx(2)
    assert Work(20, 0, 1000, 4000).seconds(device, 4) == pytest.approx(2)


def test_a_device_is_measured_in_sane_units(tmp_path: Path) -> None:
    device = Device.measured("cpu", tmp_path)
    assert 1e8 < device.bytes_per_second < 1e13
    assert 1e8 < device.multiply_adds_per_second < 1e13


@pytest.mark.parametrize("form", benchmark.FORMS)
def test_recorded_steps_give_the_numbers_of_fp32_on_the_cpu(form: str) -> None:
    folder, allowed = benchmark.FORMS[form]
    steps = benchmark.recorded_steps()
    assert np.mean([bool(step.faces) for step in steps]) > 0.5
    assert benchmark.difference(Engine.load(folder, "cpu", slots=True), steps) <= allowed


def test_without_cuda_the_benchmark_of_cuda_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("service.engine.providers.ort.get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr("sys.argv", ["engine", "--provider", "cuda", "--json", str(tmp_path / "out.json")])
    assert benchmark.main() == 1
    assert "no CUDA provider" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
