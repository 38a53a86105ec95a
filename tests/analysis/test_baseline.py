"""Personal baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis.baseline import BaselineLearner

_ODDS = np.array([[0.9, 0.1, 0, 0, 0, 0, 0], [0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1]], np.float32)


def test_a_baseline_is_the_mean_of_clipped_logarithms_with_a_weight_that_grows() -> None:
    learner = BaselineLearner()
    for k in range(50):
        learner.add(1, _ODDS[k % 2])
    [(person, found)] = learner.learnt().items()
    assert person == 1
    assert found[:7] == pytest.approx(np.log(np.maximum(_ODDS, np.exp(-8))).mean(axis=0), abs=1e-5)
    assert found[2] == pytest.approx((-8 + np.log(0.3)) / 2, abs=1e-5)
    assert found[7] == pytest.approx(0.5)


def test_the_network_is_given_the_mean_as_of_the_last_whole_second() -> None:
    learner = BaselineLearner()
    given = []
    for k in range(60):
        learner.begin(k)
        learner.add(1, _ODDS[int(k >= 25)])
        given.append(learner.given(1))
    assert not np.any(given[:25])
    assert all((one == given[25]).all() for one in given[25:50])
    assert given[25][:2] == pytest.approx(np.log(_ODDS[0, :2]), abs=1e-5)
    assert given[25][7] == pytest.approx(1 / 3)
    assert given[50][7] == pytest.approx(0.5)
    assert given[50][0] == pytest.approx((np.log(0.9) + np.log(0.1)) / 2, abs=1e-5)


def test_nothing_is_given_for_someone_whose_face_was_never_seen() -> None:
    learner = BaselineLearner()
    learner.add(1, _ODDS[0])
    learner.begin(0)
    assert not learner.given(2).any()
    assert list(learner.learnt()) == [1]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=60), st.integers(0, 60))
def test_going_on_from_a_state_changes_nothing(seen: list[tuple[int, int]], cut: int) -> None:
    whole, parts = BaselineLearner(), BaselineLearner()
    for k, (person, seed) in enumerate(seen):
        if k == cut:
            state = parts.state()
            parts = BaselineLearner()
            parts.restore(state)
        odds = np.random.default_rng(seed).dirichlet(np.ones(7)).astype(np.float32)
        for learner in (whole, parts):
            learner.begin(3 * k)
            learner.add(person, odds)
        assert all((whole.given(one) == parts.given(one)).all() for one in (1, 2, 3))
    assert {one: found.tolist() for one, found in whole.learnt().items()} == {
        one: found.tolist() for one, found in parts.learnt().items()
    }
