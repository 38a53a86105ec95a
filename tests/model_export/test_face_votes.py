import numpy as np

from model_export.face_votes import clear_majority
from service.representation import LABELS


def _votes(**counts: int) -> list[int]:
    columns = ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "no_face"]
    return [counts.get(column, 0) for column in columns]


def test_a_clear_majority_is_more_than_half_of_all_votes_for_one_of_the_seven() -> None:
    votes = np.array(
        [
            _votes(happy=6, neutral=4),
            _votes(happy=5, neutral=5),
            _votes(contempt=8, angry=2),
            _votes(unknown=9, sad=1),
            _votes(fear=4, surprise=3, no_face=1),
            _votes(disgust=10),
        ],
        np.uint8,
    )
    rows, labels = clear_majority(votes)
    assert rows.tolist() == [0, 5]
    assert [LABELS[label] for label in labels] == ["happy", "disgust"]
