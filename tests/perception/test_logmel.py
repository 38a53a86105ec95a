"""Log-mel frames: the grid, causality, and that calls leave no trace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.perception.logmel import LogMel
from service.representation import MEL_BINS, MELS_PER_STEP, SAMPLE_RATE, SAMPLES_PER_STEP

FLOOR = np.log(2.0**-23)


def noise(samples: int, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 20_000), max_size=20))
def test_rows_do_not_depend_on_how_samples_are_split(cuts: list[int]) -> None:
    sound = noise(20_000)
    log_mel = LogMel()
    parts = [log_mel.push(part) for part in np.split(sound, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), LogMel().push(sound))


def test_a_push_longer_than_the_inner_block_equals_many_short_ones() -> None:
    sound = noise(5 * SAMPLE_RATE + 123)
    log_mel = LogMel()
    parts = [log_mel.push(sound[at : at + 777]) for at in range(0, len(sound), 777)]
    np.testing.assert_array_equal(np.concatenate(parts), LogMel().push(sound))


@pytest.mark.parametrize("step", [0, 1, 7])
def test_the_rows_of_a_step_are_complete_at_its_time_and_no_sooner_than_they_must(step: int) -> None:
    heard = SAMPLES_PER_STEP * step - 80
    assert len(LogMel().push(noise(max(0, heard)))) == MELS_PER_STEP * (step + 1)
    if step:
        assert len(LogMel().push(noise(heard - 1))) == MELS_PER_STEP * (step + 1) - 1


def test_no_step_hears_its_own_future() -> None:
    sound = noise(SAMPLE_RATE)
    other = sound.copy()
    step = 10
    other[SAMPLES_PER_STEP * step - 80 :] = 0.5
    rows, altered = LogMel().push(sound), LogMel().push(other)
    own = MELS_PER_STEP * (step + 1)
    np.testing.assert_array_equal(rows[:own], altered[:own])
    assert np.any(rows[own] != altered[own])


def test_digital_silence_is_the_floor_of_the_logarithm() -> None:
    rows = LogMel().push(np.zeros(SAMPLE_RATE, np.float32))
    assert rows.shape[1] == MEL_BINS
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, FLOOR, atol=1e-4)


def test_sixteen_bit_rounding_noise_stays_near_the_floor() -> None:
    rounding = (np.random.default_rng(0).uniform(-0.5, 0.5, SAMPLE_RATE) / 32768).astype(np.float32)
    assert float(LogMel().push(rounding)[8:].max()) < FLOOR + 3.0


def test_a_tone_lights_up_the_filters_around_it() -> None:
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    low, high = (LogMel().push(np.sin(2 * np.pi * hertz * times).astype(np.float32))[50] for hertz in (300.0, 3000.0))
    assert int(low.argmax()) < int(high.argmax())
    assert high.max() - np.median(high) > 5.0


def test_twice_the_amplitude_adds_the_logarithm_of_four() -> None:
    sound = noise(SAMPLE_RATE)
    np.testing.assert_allclose(LogMel().push(2 * sound)[8:] - LogMel().push(sound)[8:], np.log(4.0), atol=1e-3)


def test_an_empty_push_gives_the_lead_once_then_nothing() -> None:
    log_mel = LogMel()
    empty = np.empty(0, np.float32)
    assert [len(log_mel.push(samples)) for samples in (empty, empty, noise(640))] == [4, 0, 4]
