from pathlib import Path

import numpy as np
import pytest

from model_export.face_data import class_weights, load_fer, soft_targets
from model_export.face_votes import VOTE_COLUMNS
from service.representation import LABELS


def _votes(**counts: int) -> list[int]:
    return [counts.get(column, 0) for column in VOTE_COLUMNS]


def test_targets_are_mostly_votes_and_partly_the_fer2013_label() -> None:
    votes = np.array([_votes(happy=6, neutral=4)], np.uint8)
    (target,) = soft_targets(votes, np.array([LABELS.index("fear")], np.int8))
    assert target[LABELS.index("happy")] == pytest.approx(0.8 * 0.6)
    assert target[LABELS.index("neutral")] == pytest.approx(0.8 * 0.4)
    assert target[LABELS.index("fear")] == pytest.approx(0.2)


def test_single_votes_are_dropped() -> None:
    (target,) = soft_targets(np.array([_votes(sad=9, disgust=1)], np.uint8), None)
    assert target[LABELS.index("sad")] == 1


def test_faces_that_show_none_of_the_seven_are_left_out(tmp_path: Path) -> None:
    votes = np.array([_votes(contempt=7, angry=3), _votes(no_face=10), _votes(surprise=10)], np.uint8)
    np.savez(tmp_path / "fer.npz", images=np.zeros((3, 48, 48), np.uint8), votes=votes)
    faces, kept = load_fer(tmp_path / "fer.npz")
    assert len(faces) == 1
    assert kept.tolist() == votes[2:].tolist()


def test_rare_classes_weigh_more() -> None:
    targets = np.eye(7, dtype=np.float32)[[3] * 90 + [1] * 10]
    weights = class_weights(targets)
    assert weights[1] / weights[3] == pytest.approx(3, rel=1e-3)
    assert (targets @ weights).mean() == pytest.approx(1, rel=1e-3)
