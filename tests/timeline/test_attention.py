"""Perception attention over a recording."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.timeline.attention import attention_weights, gather, thin


@given(st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=1, max_size=300), st.floats(0.01, 40))
def test_weights_sum_to_one_whatever_the_scores_and_the_rate(rows: list[tuple[float, bool]], fps: float) -> None:
    evidence = np.array([seen for _, seen in rows])
    evidence[0] = True
    scores = np.repeat(np.array([[score] for score, _ in rows], np.float32), 7, axis=1)
    weights = attention_weights(scores, evidence)
    assert weights.sum(axis=0) == pytest.approx(np.ones(7))
    assert not weights[~evidence].any()
    kept = thin(np.arange(len(rows), dtype=np.int32), step_rate=25, fps=fps)
    assert kept[0] == 0
    assert gather(weights, kept).sum(axis=0) == pytest.approx(np.ones(7))


@pytest.mark.parametrize(("fps", "count"), [(None, 100), (25, 100), (30, 100), (5, 20), (1, 4), (12.5, 50), (10, 40)])
def test_a_timeline_has_as_many_steps_as_its_rate_says(fps: float | None, count: int) -> None:
    assert len(thin(np.arange(100, dtype=np.int32), step_rate=25, fps=fps)) == count


def test_a_higher_score_weighs_more_by_its_exponential() -> None:
    scores = np.zeros((2, 7), np.float32)
    scores[1, 3] = np.log(3)
    weights = attention_weights(scores, np.array([True, True]))
    assert weights[:, 3] == pytest.approx([0.25, 0.75])
    assert weights[:, 0] == pytest.approx([0.5, 0.5])
