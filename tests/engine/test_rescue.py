"""Runs of the model that fail: who hears of it, and when the model counts as lost."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from api.harness import PATIENCE, wait_until

from service.engine import Engine, Fate, FusionOutputs, Model
from service.engine.batching import Batcher
from service.engine.rescue import Health, NotFinite, Rescue
from service.errors import ProviderUnavailable, Unavailable


class _Device:
    """Doubles numbers until it breaks: for good, or for negative ones alone."""

    def __init__(self) -> None:
        self.broken_for = 0
        self.breaks_after: int | None = None
        self.runs: list[list[int]] = []
        self.entered, self.go = Event(), Event()
        self.go.set()

    def run(self, requests: Sequence[int]) -> list[int]:
        self.entered.set()
        assert self.go.wait(PATIENCE)
        if len(self.runs) == self.breaks_after:
            self.broken_for = 1000
        self.runs.append(list(requests))
        if self.broken_for:
            self.broken_for -= 1
            raise RuntimeError("the device does not answer")
        if min(requests) < 0:
            raise ValueError("no such root")
        return [2 * request for request in requests]

    def probe(self) -> None:
        self.run([0])


@pytest.fixture
def device() -> _Device:
    return _Device()


@pytest.fixture
def fates() -> list[Fate]:
    return []


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def batcher(device: _Device, fates: list[Fate], health: Health) -> Batcher[int, int]:
    rescue = Rescue(device.run, probe=device.probe, health=health, on_failure=fates.append)
    return Batcher(device.run, limit=10, rescue=rescue)


def _together(batcher: Batcher[int, int], device: _Device, requests: Sequence[int]) -> list[Future[int]]:
    """The answers to calls that share one run, which comes after one of its own for a first call."""
    device.entered.clear()
    device.go.clear()
    with ThreadPoolExecutor(len(requests) + 1) as pool:
        first = pool.submit(batcher, 0, kind=None, size=1)
        assert device.entered.wait(PATIENCE)
        answers = [pool.submit(batcher, request, kind=None, size=1) for request in requests]
        wait_until(lambda: batcher.waiting == len(requests))
        device.go.set()
        assert first.result(PATIENCE) == 0
    return answers


def test_a_lone_call_whose_run_fails_once_is_answered_by_the_second(
    batcher: Batcher[int, int], device: _Device, fates: list[Fate], health: Health
) -> None:
    device.broken_for = 1
    assert batcher(7, kind=None, size=1) == 14
    assert (fates, health.works) == (["recovered"], True)


def test_a_call_that_no_run_answers_fails_alone_and_those_it_shared_a_run_with_do_not(
    batcher: Batcher[int, int], device: _Device, fates: list[Fate], health: Health
) -> None:
    one, odd, other = _together(batcher, device, [1, -1, 2])
    assert (one.result(), other.result()) == (2, 4)
    with pytest.raises(ValueError, match="no such root"):
        odd.result()
    assert sorted(fates) == ["failed", "recovered", "recovered"]
    assert health.works


def test_where_the_model_itself_fails_everyone_is_told_to_come_back_and_it_is_tried_no_further(
    batcher: Batcher[int, int], device: _Device, fates: list[Fate], health: Health, caplog: pytest.LogCaptureFixture
) -> None:
    assert batcher(0, kind=None, size=1) == 0
    device.broken_for = 1000
    for number in (1, 2):
        with pytest.raises(Unavailable) as told:
            batcher(number, kind=None, size=1)
        assert told.value.retry_after
    assert (fates, health.works) == (["refused", "refused"], False)
    assert device.runs == [[0], [1], [1], [0], [2]], "a run, once more alone, the probe; then one run, and no more"
    assert sum("the model has failed" in record.message for record in caplog.records) == 1


def test_a_run_of_many_that_fails_for_good_is_given_up_after_the_first_of_them(
    batcher: Batcher[int, int], device: _Device, fates: list[Fate]
) -> None:
    device.breaks_after = 1
    for answer in _together(batcher, device, [1, 2, 3]):
        with pytest.raises(Unavailable):
            answer.result()
    assert fates == ["refused"] * 3
    assert sorted(map(len, device.runs)) == [1, 1, 1, 3]


def test_what_ends_the_process_is_no_fault_of_the_model(device: _Device, fates: list[Fate], health: Health) -> None:
    def run(_: Sequence[int]) -> list[int]:
        raise SystemExit(1)

    rescue = Rescue(device.run, probe=device.probe, health=health, on_failure=fates.append)
    with pytest.raises(SystemExit):
        Batcher(run, limit=1, rescue=rescue)(1, kind=None, size=1)
    assert fates == []


def terminated(session: ort.InferenceSession) -> Callable[..., Any]:
    """`session.run`, stopped by onnxruntime itself before it has an answer."""
    original = session.run
    options = ort.RunOptions()
    options.terminate = True
    options.log_severity_level = 4
    return lambda names, feeds: original(names, feeds, options)


@pytest.fixture
def own_engine() -> tuple[Engine, list[tuple[Model, Fate]]]:
    """An engine of the test's own, and what it told of failed calls."""
    engine, told = Engine.load(provider="cpu"), list[tuple[Model, Fate]]()
    engine.on_failure = lambda model, fate: told.append((model, fate))
    return engine, told


def test_an_engine_that_onnxruntime_fails_is_out_of_work_until_a_probe_gets_through(
    own_engine: tuple[Engine, list[tuple[Model, Fate]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, told = own_engine
    inputs = engine.silence(people=1, steps=1)
    with monkeypatch.context() as patch:
        patch.setattr(engine._fusion.session, "run", terminated(engine._fusion.session))
        with pytest.raises(Unavailable):
            engine.advance(inputs)
        assert told == [("fusion", "refused")]
        assert not engine.works
        with pytest.raises(Unavailable):
            engine.encode(np.zeros((1, 48, 48), np.uint8))
        assert not engine.probe()
    assert not engine.works
    assert engine.probe()
    assert engine.works
    engine.advance(inputs)


def test_input_that_makes_no_numbers_is_the_callers_and_not_the_models_fault(
    own_engine: tuple[Engine, list[tuple[Model, Fate]]],
) -> None:
    engine, told = own_engine
    blank = engine.silence(people=1, steps=2)
    spoilt = replace(blank, state=engine.load_state(np.full_like(blank.state.read(), np.nan)))
    wanted = engine.advance(blank)
    with pytest.raises(NotFinite):
        engine.advance(spoilt)
    assert (told, engine.works) == ([("fusion", "failed")], True)
    found: list[FusionOutputs] = engine._fusion.run([blank])
    np.testing.assert_array_equal(found[0].overall, wanted.overall)


def test_an_engine_whose_networks_do_not_run_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(ort.InferenceSession, "run", fail)
    with pytest.raises(ProviderUnavailable, match="no room"):
        Engine.load(provider="cpu")
