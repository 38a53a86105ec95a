import numpy as np
import pytest

from model_export.metrics import Predictions, calibration_error, score, wilson_interval


def _certain(answers: list[int]) -> np.ndarray:
    return np.eye(7)[answers] * 0.93 + 0.01


def test_scores_of_a_small_case_are_those_worked_out_by_hand() -> None:
    scores = score(Predictions(_certain([0, 0, 3, 3]), np.array([0, 1, 3, 3])), 0.5)
    assert scores["accuracy"] == 0.75
    assert scores["mean_recall"] == pytest.approx((1 + 0 + 1) / 3)
    assert scores["recall"] == {"angry": 1.0, "disgust": 0.0, "happy": 1.0}
    assert scores["confusion"][1][0] == 1
    assert scores["ece"] == pytest.approx(0.94 - 0.75)
    assert scores["uncertain_share"] == 0
    assert scores["n"] == 4


def test_a_recording_without_evidence_counts_as_wrong() -> None:
    rows = _certain([2, 2])
    rows[1] = np.nan
    scores = score(Predictions(rows, np.array([2, 2])), 0.5)
    assert scores["accuracy"] == 0.5
    assert scores["without_evidence"] == 1


def test_low_confidence_is_counted_as_uncertain() -> None:
    rows = np.vstack([_certain([4]), np.full((1, 7), 1 / 7)])
    scores = score(Predictions(rows, np.array([4, 5])), 0.5)
    assert scores["uncertain_share"] == 0.5
    assert scores["accuracy_when_certain"] == 1.0


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing"):
        score(Predictions(np.empty((0, 7)), np.empty(0, np.int64)), 0.5)


def test_the_interval_is_wilson_s() -> None:
    assert list(wilson_interval(8, 10)) == pytest.approx([0.4902, 0.9433], abs=1e-4)
    assert wilson_interval(0, 5)[0] == 0
    assert wilson_interval(5, 5)[1] == 1


def test_confidence_that_is_right_as_often_as_it_says_has_no_calibration_error() -> None:
    right = np.arange(1000) % 4 != 0
    assert calibration_error(np.full(1000, 0.75), right) == pytest.approx(0)
    assert calibration_error(np.full(1000, 0.95), right) == pytest.approx(0.2)


def test_bins_of_confidence_hold_every_answer_once() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(7), 500)
    scores = score(Predictions(rows, np.arange(500) % 7), 0.4)
    bins = scores["reliability"]
    assert sum(one["n"] for one in bins) == 500
    assert all(one["from"] <= one["confidence"] <= one["to"] for one in bins)
    assert sum(one["n"] * one["accuracy"] for one in bins) / 500 == pytest.approx(scores["accuracy"])
    gaps = sum(abs(one["confidence"] - one["accuracy"]) * one["n"] for one in bins) / 500
    assert gaps == pytest.approx(scores["ece"])
