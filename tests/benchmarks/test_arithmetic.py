"""From measured times to ratios."""

import pytest

from benchmarks.arithmetic import file_ratios, medians, rival_ratio, rounded, slope, upload_ratios

START = 3.0
"""Seconds that every run takes before it begins; no ratio may contain them."""


def _runs(per_second: float, *lengths: float, processes: int = 1) -> dict[float, dict[str, float]]:
    return {
        length: {
            "seconds": START + per_second * length,
            "cpu_seconds": processes * (START + per_second * length),
            "peak_bytes": 2e8,
        }
        for length in lengths
    }


def test_what_is_spent_once_drops_out_of_a_slope() -> None:
    assert slope({10.0: 3.0 + 1.0, 600.0: 3.0 + 60.0}, 10.0, 600.0) == pytest.approx(0.1)


def test_file_ratios_leave_start_up_out() -> None:
    floor = {"seconds": 0.085, "cpu_seconds": 0.08}
    ratios = file_ratios(floor, _runs(0.1, 600.0, 10.0, 108.0), _runs(0.1, 10.0, 305.0, processes=2))
    assert ratios["ratio_one_core"] == pytest.approx(0.85)
    assert ratios["outside_floor_share"] == pytest.approx(0.2), "processor time, not the clock's"
    assert ratios["media_seconds_per_core_second"] == pytest.approx(10.0)
    assert ratios["start_seconds"] == pytest.approx(START)
    assert ratios["core_busy"] == pytest.approx(1.0)


def test_two_cores_are_told_over_the_floor_of_one() -> None:
    floor = {"seconds": 0.1, "cpu_seconds": 0.1}
    undisturbed = file_ratios(floor, _runs(0.1, 10.0, 20.0, 60.0), _runs(0.1, 10.0, 35.0))
    assert undisturbed["ratio_two_cores"] == pytest.approx(2.0)
    in_turn = file_ratios(floor, _runs(0.1, 10.0, 20.0, 60.0), _runs(0.2, 10.0, 35.0))
    assert in_turn["ratio_two_cores"] == pytest.approx(1.0), "two files, each at half the speed"


def test_growth_is_that_of_the_time_for_each_second() -> None:
    floor, pair = {"seconds": 0.1, "cpu_seconds": 0.1}, _runs(0.1, 10.0, 35.0)
    steady = file_ratios(floor, _runs(0.1, 10.0, 108.0, 600.0), pair)
    assert steady["time_growth"] == pytest.approx(1.0)
    slowing = _runs(0.1, 10.0, 108.0, 600.0)
    slowing[600.0]["cpu_seconds"] += 492 * 0.1
    slowing[600.0]["peak_bytes"] *= 1.5
    ratios = file_ratios(floor, slowing, pair)
    assert ratios["time_growth"] == pytest.approx(2.0)
    assert ratios["memory_growth"] == pytest.approx(1.5)


def test_overhead_of_an_upload_is_what_neither_http_nor_the_libraries_take() -> None:
    assert upload_ratios(request=0.050, empty=0.010, floor=0.032)["overhead_ratio"] == pytest.approx(0.25)


def test_rivals_are_compared_by_pictures_per_second() -> None:
    # 250 pictures in 10 s are 25 per second; Attune does ten seconds of 25 pictures in one.
    assert rival_ratio(0.1, 25, {"pictures": 250, "seconds": 10.0}) == pytest.approx(10.0)


def test_medians_are_taken_quantity_by_quantity() -> None:
    assert medians([{"a": 1.0, "b": 9.0}, {"a": 5.0, "b": 8.0}, {"a": 3.0, "b": 1.0}]) == {"a": 3.0, "b": 8.0}


def test_rounds_that_measured_different_things_have_no_median() -> None:
    with pytest.raises(ValueError, match="different"):
        medians([{"a": 1.0}, {"b": 1.0}])


def test_floats_are_rounded_and_nothing_else_is() -> None:
    assert rounded({"a": [0.123456, 7], "b": "0.123456", "c": True}) == {"a": [0.1235, 7], "b": "0.123456", "c": True}
