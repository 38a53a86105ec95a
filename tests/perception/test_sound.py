"""Sound on the step grid: late starts, gaps, overlaps, and that the runs' lengths leave no trace."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from perception.tape import SPEECH

from service.domain import Sound
from service.perception.logmel import LogMel
from service.perception.sound import MAX_FILL, Heard, Listener
from service.representation import MELS_PER_STEP, SAMPLE_RATE, SAMPLES_PER_STEP

NOISE = (0.1 * np.random.default_rng(0).standard_normal(8 * SAMPLE_RATE)).astype(np.float32)


def listen(*runs: tuple[int, int]) -> dict[int, Heard]:
    """What each step hears of the runs (start, end) of the noise."""
    listener = Listener()
    return {heard.step: heard for start, end in runs for heard in listener.push(Sound(start, NOISE[start:end]))}


def rows_of(step: int, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows[MELS_PER_STEP * step : MELS_PER_STEP * (step + 1)]


def assert_same(one: dict[int, Heard], other: dict[int, Heard]) -> None:
    assert list(one) == list(other)
    for step in one:
        assert one[step].arrived == other[step].arrived
        np.testing.assert_array_equal(one[step].mel, other[step].mel)
        assert one[step].speech == other[step].speech


def test_steps_hear_the_rows_that_are_theirs() -> None:
    heard = listen((0, SAMPLE_RATE))
    rows = LogMel().push(NOISE[:SAMPLE_RATE])
    assert list(heard) == list(range(26))
    for step, one in heard.items():
        np.testing.assert_array_equal(one.mel, rows_of(step, rows))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3 * SAMPLE_RATE), max_size=12))
def test_how_sound_is_split_into_runs_changes_nothing(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), 3 * SAMPLE_RATE]
    assert_same(listen(*pairwise(ends)), listen((0, 3 * SAMPLE_RATE)))


def test_sound_that_starts_late_keeps_its_time() -> None:
    heard = listen((1000, SAMPLE_RATE))
    assert list(heard) == list(range(3, 26))  # the 40 ms before step 2 begin at sample 640
    silent = np.concatenate([np.zeros(1000, np.float32), NOISE[1000:SAMPLE_RATE]])
    rows = LogMel().push(silent)
    for step, one in heard.items():
        np.testing.assert_array_equal(one.mel, rows_of(step, rows))


def test_sound_that_starts_very_late_keeps_its_time() -> None:
    start = 5 * SAMPLE_RATE + 300
    heard = listen((start, 6 * SAMPLE_RATE))
    silent = NOISE[: 6 * SAMPLE_RATE].copy()
    silent[:start] = 0
    rows = LogMel().push(silent)
    assert list(heard) == list(range(start // SAMPLES_PER_STEP + 2, 151))
    for step, one in heard.items():
        np.testing.assert_array_equal(one.mel, rows_of(step, rows))


def test_steps_that_reach_into_a_gap_hear_nothing() -> None:
    heard = listen((0, 6_500), (20_000, 32_000))
    assert list(heard) == [*range(11), *range(33, 51)]


def test_behind_a_long_gap_the_rows_are_as_after_silence() -> None:
    end, start = SAMPLE_RATE, SAMPLE_RATE + MAX_FILL + 1000
    heard = listen((0, end), (start, start + SAMPLE_RATE))
    silent = NOISE[: start + SAMPLE_RATE].copy()
    silent[end:start] = 0
    rows = LogMel().push(silent)
    assert min(step for step in heard if step > 25) == start // SAMPLES_PER_STEP + 2
    for step, one in heard.items():
        np.testing.assert_array_equal(one.mel, rows_of(step, rows))


def test_samples_that_come_twice_count_once() -> None:
    assert_same(listen((0, 9_000), (5_000, 7_000), (8_000, 20_000)), listen((0, 20_000)))


def test_an_empty_run_is_nothing() -> None:
    assert listen((0, 0)) == {}
    assert_same(listen((0, 5_000), (9_000, 9_000), (5_000, 9_000)), listen((0, 9_000)))


def test_a_step_arrived_with_the_last_of_its_sound() -> None:
    listener = Listener()
    runs = [Sound(0, NOISE[:1000], 1.0), Sound(1000, NOISE[1000:2000], 2.0)]
    assert [(heard.step, heard.arrived) for run in runs for heard in listener.push(run)] == [
        (0, 1.0),
        (1, 1.0),
        (2, 2.0),
        (3, 2.0),
    ]


@st.composite
def tracks(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Runs of sound (start, end) with gaps about the length of all that matters: steps, the longest fill, epochs."""
    runs: list[tuple[int, int]] = []
    at = draw(st.sampled_from([0, 0, 1000, 70_000, 200_000]))
    lengths = st.one_of(st.integers(1, 3000), st.integers(1, SAMPLE_RATE), st.integers(SAMPLE_RATE, 8 * SAMPLE_RATE))
    gaps = st.sampled_from([0, 0, 0, 1, 639, 5_000, MAX_FILL - 700, MAX_FILL, MAX_FILL + 1, 2 * MAX_FILL])
    while at < 25 * SAMPLE_RATE and len(runs) < 40:
        end = at + draw(lengths)
        runs.append((at, end))
        at = end + draw(gaps)
    return runs


@settings(max_examples=40, deadline=None)
@given(runs=tracks(), lag=st.integers(0, 75), data=st.data())
def test_listening_goes_on_from_a_mark_as_if_it_had_never_stopped(
    runs: list[tuple[int, int]], lag: int, data: st.DataObject
) -> None:
    """Marked after any run, for a step up to three seconds behind the sound, or ahead of it."""
    marked = data.draw(st.integers(0, len(runs) - 1))
    listener, heard = Listener(), dict[int, Heard]()
    for index, (start, end) in enumerate(runs):
        heard |= {one.step: one for one in listener.push(Sound(start, SPEECH[start:end]))}
        if index == marked:
            step = max(1, listener.end // SAMPLES_PER_STEP - lag) + data.draw(st.sampled_from([0, 0, 0, 60, 140]))
            begin, known = listener.mark(step)
    again = Listener()
    again.resume(begin, known)
    replayed = [(max(start, begin), end) for start, end in runs if end > begin]
    later = {one.step: one for start, end in replayed for one in again.push(Sound(start, SPEECH[start:end]))}
    assert_same(
        {at: one for at, one in later.items() if at >= step}, {at: one for at, one in heard.items() if at >= step}
    )
    assert again.end == listener.end or not replayed


def test_sound_that_comes_after_the_mark_but_lies_before_where_listening_goes_on_was_sound() -> None:
    """The sound has been away for long: listening is to go on ahead of all that has come so far."""
    runs = [(0, 50_000), (50_000, 130_000), (155_000, 250_000)]
    listener = Listener()
    heard = {one.step: one for start, end in runs for one in listener.push(Sound(start, SPEECH[start:end]))}
    marked = Listener()
    list(marked.push(Sound(0, SPEECH[:50_000])))
    step = 260
    begin, known = marked.mark(step)
    assert (begin, known) == (144_000, 50_000)
    again = Listener()
    again.resume(begin, known)
    later = {one.step: one for start, end in runs[1:] for one in again.push(Sound(start, SPEECH[start:end]))}
    assert_same(
        {at: one for at, one in later.items() if at >= step}, {at: one for at, one in heard.items() if at >= step}
    )


def test_what_is_remembered_of_the_sound_is_bounded() -> None:
    listener = Listener()
    for start in range(0, 40 * SAMPLE_RATE - 300, 700):
        list(listener.push(Sound(start, SPEECH[start : start + 300])))
    assert len(listener._runs) <= 10 * SAMPLE_RATE // 700 + 3
