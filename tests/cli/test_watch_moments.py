from itertools import pairwise

import numpy as np
import pytest
from cli.watching import measurement
from hypothesis import given
from hypothesis import strategies as st

from service.cli.watch_moments import APART, MOMENTS, Moments


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=200), st.floats(-500, 500))
def test_a_weight_is_the_multiple_of_even_attention(scores: list[float], shift: float) -> None:
    moments = Moments()
    for number, score in enumerate(scores):
        moments.add(measurement(number / 25, scores=score + shift))
    weights = np.exp(np.array(scores) - max(scores))
    multiples = weights / weights.mean()
    found = moments.of("happy")
    assert found
    for moment in found:
        assert moment.weight == pytest.approx(multiples[round(moment.time * 25)], rel=1e-6)
    assert max(moment.weight for moment in found) == pytest.approx(multiples.max(), rel=1e-6)


@given(st.lists(st.floats(-5, 5), max_size=300))
def test_few_moments_are_kept_apart_and_in_order_of_time(scores: list[float]) -> None:
    moments = Moments()
    for number, score in enumerate(scores):
        moments.add(measurement(number / 25, scores=score))
    times = [moment.time for moment in moments.of("sad")]
    assert len(times) <= MOMENTS
    assert all(later - earlier >= APART - 1e-9 for earlier, later in pairwise(times))


def test_a_greater_moment_takes_the_place_of_a_near_one() -> None:
    moments = Moments()
    for number, score in enumerate([0.0] * 50 + [2.0, 3.0, 2.5] + [0.0] * 50):
        moments.add(measurement(number / 25, scores=score))
    greatest = max(moments.of("angry"), key=lambda moment: moment.weight)
    assert greatest.time == pytest.approx(51 / 25)


def test_what_is_no_evidence_has_no_attention() -> None:
    moments = Moments()
    moments.add(measurement(0.0, scores=9.0, evident=False))
    moments.add(measurement(0.04, scores=None))
    assert moments.of("angry") == []
