"""The engine with states on the device: the code that runs on CUDA, here with the CPU's memory for a device."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest
from builders import step
from engine.steps import random_inputs
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis import Analyser
from service.engine import Engine, FusionInputs, FusionOutputs, States
from service.engine.device import SlotFusion
from service.engine.rescue import NotFinite
from service.engine.types import ANSWERS


@pytest.fixture(scope="module")
def device() -> Engine:
    return Engine.load(provider="cpu", slots=True)


def _slots_of(device: Engine) -> SlotFusion:
    fusion = device._fusion
    assert isinstance(fusion, SlotFusion)
    return fusion


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(device: Engine) -> Iterator[None]:
    yield
    gc.collect()
    assert _slots_of(device).table.leased == 0


def _assert_close(first: FusionOutputs, second: FusionOutputs) -> None:
    for name in ANSWERS:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=1e-5, err_msg=name)


@settings(max_examples=20, deadline=None)
@given(people=st.sampled_from([1, 2, 8, 9, 11, 17, 33]), steps=st.integers(1, 5), seed=st.integers(0, 99))
def test_answers_and_states_are_those_of_arrays_however_many_rows_are_padding(
    engine: Engine, device: Engine, people: int, steps: int, seed: int
) -> None:
    on_host, on_device = (random_inputs(one, people, steps, seed) for one in (engine, device))
    for turn in range(3):
        wanted, found = engine.advance(on_host), device.advance(on_device)
        _assert_close(found, wanted)
        rows = wanted.next_state.read()
        np.testing.assert_allclose(found.next_state.read(), rows, atol=1e-5 * max(1, np.abs(rows).max()))
        on_host, on_device = (
            replace(random_inputs(one, people, steps, seed + turn), state=after)
            for one, after in ((engine, wanted.next_state), (device, found.next_state))
        )


def test_crops_are_encoded_as_without_padding(engine: Engine, device: Engine) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (21, 48, 48), dtype=np.uint8)
    wanted, found = engine.encode(crops), device.encode(crops)
    assert found.embedding.shape == wanted.embedding.shape
    np.testing.assert_allclose(found.embedding, wanted.embedding, atol=1e-4)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-5)


def test_states_that_are_read_and_loaded_again_go_on_alike(device: Engine) -> None:
    inputs = random_inputs(device, 3, 4)
    after = device.advance(inputs).next_state
    again = device.load_state(after.read())
    _assert_close(device.advance(replace(inputs, state=after)), device.advance(replace(inputs, state=again)))


def test_who_joins_or_leaves_in_mid_run_changes_nobody_elses_answers(engine: Engine, device: Engine) -> None:
    """Sessions by number, in an array of one worker, and the same sessions each alone and in arrays."""
    random = np.random.default_rng(0)
    alone = {number: engine.initial_state(1) for number in range(6)}
    numbers, state = list(range(6)), device.initial_state(6)
    for turn in range(12):
        staying = [row for row in range(len(numbers)) if random.random() < 0.8] or [0]
        joining = list(range(100 * turn + 100, 100 * turn + 100 + int(random.integers(0, 4))))
        numbers = [numbers[row] for row in staying] + joining
        alone |= {number: engine.initial_state(1) for number in joining}
        kept = state.select(staying, [True] * len(staying))
        state = device.join_states([kept, device.initial_state(len(joining))])
        given = random_inputs(device, len(numbers), 1, turn)
        found = device.advance(replace(given, state=state))
        state = found.next_state
        for row, number in enumerate(numbers):
            one = {name: getattr(given, name)[row : row + 1] for name in ("face", "face_present", "mel")}
            one |= {name: getattr(given, name)[row : row + 1] for name in ("sound_present", "heard", "baseline")}
            wanted = engine.advance(FusionInputs(**one, decay=given.decay[row : row + 1], state=alone[number]))
            alone[number] = wanted.next_state
            np.testing.assert_allclose(found.overall[row], wanted.overall[0], atol=1e-5)


def test_a_newcomer_has_heard_what_the_other_heard_and_is_nobody_else(engine: Engine, device: Engine) -> None:
    sound = engine.fusion.sound_state_size
    state = device.advance(random_inputs(device, 2, 30)).next_state
    newcomers = state.select([1, 0, 1], [False, True, False])
    rows = newcomers.read()
    np.testing.assert_array_equal(rows[[0, 2], :sound], state.read()[[1, 1], :sound])
    assert not rows[[0, 2], sound:].any()
    assert rows[1, sound:].any()
    inputs = random_inputs(device, 3, 2, 1)
    wanted = engine.advance(replace(inputs, state=engine.load_state(rows)))
    _assert_close(device.advance(replace(inputs, state=newcomers)), wanted)


def test_many_threads_share_runs_and_keep_their_own_states(engine: Engine, device: Engine) -> None:
    def follow(one: Engine, seed: int) -> FusionOutputs:
        state: States = one.initial_state(1 + seed % 3)
        for turn in range(8):
            out = one.advance(replace(random_inputs(one, 1 + seed % 3, 1, seed + turn), state=state))
            state = out.next_state
        return out

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda seed: follow(device, seed), range(12)))
    for seed, one in enumerate(found):
        _assert_close(one, follow(engine, seed))


def test_a_run_that_fails_leaves_states_as_they_were_and_gives_its_slots_back(
    device: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = random_inputs(device, 3, 2)
    state = device.advance(inputs).next_state
    before, asked = state.read().copy(), replace(inputs, state=state)
    wanted, fusion = device.advance(asked), _slots_of(device)
    with monkeypatch.context() as patch:
        options = ort.RunOptions()
        options.terminate = True
        options.log_severity_level = 4
        run = fusion.session.run_with_iobinding
        patch.setattr(fusion.session, "run_with_iobinding", lambda binding: run(binding, options))
        with pytest.raises(Exception, match="terminate"):
            fusion.run([asked])
    np.testing.assert_array_equal(state.read(), before)
    _assert_close(device.advance(asked), wanted)


def test_of_a_run_whose_answers_are_no_numbers_the_others_are_answered(
    device: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    blank = random_inputs(device, 2, 1)
    spoilt = replace(blank, state=device.load_state(np.full_like(blank.state.read(), np.nan)))
    fusion = _slots_of(device)
    with pytest.raises(NotFinite):
        fusion.run([blank, spoilt])
    with pytest.raises(NotFinite):
        device.advance(spoilt)
    assert device.works
    _assert_close(device.advance(blank), fusion.run([blank])[0])
    caplog.clear()  # what is kept of the log holds the error, and with it the run's slots


def test_a_state_that_is_no_number_is_noticed_though_the_answers_are(
    device: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _slots_of(device).table
    monkeypatch.setattr(table, "scatter", lambda slots, _: np.full(len(slots), np.nan, np.float32))
    with pytest.raises(NotFinite):
        _slots_of(device).run([random_inputs(device, 1, 1)])


def test_states_of_another_engine_are_refused(engine: Engine, device: Engine) -> None:
    for one, other in ((engine, device), (device, engine), (device, Engine.load(provider="cpu", slots=True))):
        with pytest.raises(ValueError, match="another engine"):
            one.advance(random_inputs(other, 1, 1))


def test_an_analyser_gives_the_same_and_frees_its_slots_though_nobody_closes_it(engine: Engine, device: Engine) -> None:
    steps = [step(k, tracks=[1, 2] if k > 20 else [1], speech=k % 3 == 0, sound=True) for k in range(60)]
    analysers = [Analyser(one) for one in (engine, device)]
    for analyser in analysers:
        analyser.push(steps[:30])
    first, second = (analyser.state() for analyser in analysers)
    for name, array in first.items():
        np.testing.assert_allclose(second[name], array, atol=1e-4, err_msg=name)
    resumed = Analyser(engine)
    resumed.restore(second)
    wanted, *others = (analyser.push(steps[30:]) for analyser in [*analysers, resumed])
    for found in others:
        for one, other in zip(wanted, found, strict=True):
            assert (one.person, one.step) == (other.person, other.step)
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)
    assert _slots_of(device).table.leased == 2


def test_whoever_leaves_the_stage_leaves_their_slot(device: Engine) -> None:
    analyser = Analyser(device)
    analyser.push([step(k, tracks=[1, 2, 3]) for k in range(5)])
    assert _slots_of(device).table.leased == 3
    analyser.push([step(k, tracks=[2]) for k in range(5, 80)])
    assert _slots_of(device).table.leased == 1
