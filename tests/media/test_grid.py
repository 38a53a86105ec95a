from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.media.grid import TOLERANCE, StepGrid
from service.representation import ABSENCE, STEP_RATE

_STEP = Fraction(1, STEP_RATE)

times = (
    st.integers(0, 200).map(lambda half_ms: Fraction(half_ms, 2000))
    | st.fractions(-20, 20, max_denominator=1000)
    | st.fractions(-(10**12), 10**12, max_denominator=90_000)
)
durations = st.fractions(0, 2, max_denominator=1000)


def run(frames: list[tuple[Fraction, Fraction]]) -> list[tuple[int, int]]:
    grid = StepGrid[int]()
    shown: list[tuple[int, int]] = []
    for index, (time, duration) in enumerate(frames):
        shown.extend(grid.push(time, duration, index))
    shown.extend(grid.finish())
    return shown


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(times, durations), max_size=12))
def test_any_times_give_each_step_once_in_order_and_a_bounded_number_of_them(
    frames: list[tuple[Fraction, Fraction]],
) -> None:
    shown = run(frames)
    steps = [step for step, _ in shown]
    assert steps == sorted(set(steps))
    assert all(step >= 0 for step in steps)
    assert len(steps) <= len(frames) * (ABSENCE * STEP_RATE + 2)
    indices = [index for _, index in shown]
    assert indices == sorted(indices)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(times, durations), max_size=12))
def test_each_step_shows_the_first_frame_on_time_or_else_the_newest_before_it_unless_too_old(
    frames: list[tuple[Fraction, Fraction]],
) -> None:
    newest: list[tuple[Fraction, int]] = []
    for index, (time, _) in enumerate(frames):
        if not newest or time >= newest[-1][0]:
            newest.append((time, index))
    for step, index in run(frames):
        moment = Fraction(step, STEP_RATE) + TOLERANCE
        on_time = [number for time, number in newest if abs(time - Fraction(step, STEP_RATE)) <= TOLERANCE]
        assert index == (on_time[0] if on_time else [number for time, number in newest if time <= moment][-1])
        assert Fraction(step, STEP_RATE) - frames[index][0] < ABSENCE + 2 * TOLERANCE


def regular(rate: Fraction, count: int) -> list[tuple[Fraction, Fraction]]:
    return [(i / rate, 1 / rate) for i in range(count)]


def test_25_per_second_is_one_frame_a_step() -> None:
    assert run(regular(Fraction(25), 50)) == [(i, i) for i in range(50)]


def test_ntsc_shows_every_step_once() -> None:
    shown = run(regular(Fraction(30000, 1001), 300))
    assert [step for step, _ in shown] == list(range(251))


def test_60_per_second_is_thinned_and_10_per_second_is_held() -> None:
    assert [index for _, index in run(regular(Fraction(60), 60))][:6] == [0, 2, 4, 7, 9, 12]
    assert [index for _, index in run(regular(Fraction(10), 10))][:6] == [0, 0, 0, 1, 1, 2]


def test_times_rounded_to_milliseconds_hit_their_steps() -> None:
    frames = [(Fraction(round(i * 1000 / 25 + (0.4 if i % 2 else -0.4)), 1000), Fraction(1, 25)) for i in range(50)]
    assert run(frames) == [(i, i) for i in range(50)]


def test_a_frame_is_held_two_seconds_and_no_longer() -> None:
    shown = run([(Fraction(0), Fraction(1, 25)), (Fraction(10), Fraction(1, 25))])
    assert [step for step, index in shown if index == 0] == list(range(51))
    assert [step for step, index in shown if index == 1] == [250]


def test_a_jump_of_a_billion_seconds_costs_nothing() -> None:
    shown = run([(Fraction(0), Fraction(1, 25)), (Fraction(10**9), Fraction(1, 25))])
    assert len(shown) == 52
    assert shown[-1] == (25 * 10**9, 1)


def test_of_frames_on_time_for_a_step_the_first_is_shown_and_the_last_is_held() -> None:
    assert run([(Fraction(0), Fraction(2, 25))] * 3) == [(0, 0), (1, 2)]


@pytest.mark.parametrize("offset", [-TOLERANCE, Fraction(0), TOLERANCE])
def test_a_frame_on_time_for_a_step_waits_for_no_other(offset: Fraction) -> None:
    grid = StepGrid[str]()
    assert list(grid.push(Fraction(3, 25) + offset, Fraction(1, 25), "on time")) == [(3, "on time")]


@pytest.mark.parametrize("offset", [-TOLERANCE - Fraction(1, 10**6), TOLERANCE + Fraction(1, 10**6)])
def test_a_frame_between_steps_waits_for_what_comes_next(offset: Fraction) -> None:
    grid = StepGrid[str]()
    assert list(grid.push(Fraction(3, 25) + offset, Fraction(1, 25), "between")) == []
    assert "between" in dict(grid.push(Fraction(9, 50), Fraction(1, 25), "next")).values()


def test_a_grid_begins_at_the_step_it_is_told_whatever_is_on_show() -> None:
    grid = StepGrid[int](10)
    shown = [given for index, time in enumerate((0, 4, 9, 12)) for given in grid.push(Fraction(time, 25), _STEP, index)]
    assert shown == [(10, 2), (11, 2), (12, 3)]


def test_frames_older_than_the_newest_are_ignored() -> None:
    frames = [(Fraction(i, 25), Fraction(1, 25)) for i in (0, 1, 3, 2, 4)]
    assert run(frames) == [(0, 0), (1, 1), (2, 1), (3, 2), (4, 4)]


def test_a_video_that_starts_late_has_no_steps_before() -> None:
    assert run([(Fraction(1), Fraction(1, 25)), (Fraction(26, 25), Fraction(1, 25))]) == [(25, 0), (26, 1)]


def test_the_last_frame_is_shown_for_its_own_duration() -> None:
    assert run([(Fraction(0), Fraction(1, 5))]) == [(i, 0) for i in range(5)]
