"""The stand-ins are the published networks, down to the number of their weights."""

import numpy as np

from benchmarks import graphs
from benchmarks.standins import STANDINS, load


def test_hsemotion_is_efficientnet_b0_with_eight_classes() -> None:
    # 5,288,548 with 1000 classes, of which 21,008 scales of normalisation are folded into the convolutions.
    _, parameters = graphs.hsemotion_b0()
    assert parameters == 5_288_548 - 21_008 - 1000 * 1281 + 8 * 1281


def test_deepface_has_the_published_number_of_weights() -> None:
    _, parameters = graphs.deepface()
    assert parameters == 1_485_831


def test_stand_ins_run_on_a_face_of_any_size() -> None:
    face = np.random.default_rng(0).integers(0, 255, (120, 90, 3), np.uint8)
    for name, (_, prepare) in STANDINS.items():
        [answer] = load(name)(prepare(face))
        assert answer.shape == (1, 8 if name == "hsemotion_b0" else 7)
        assert np.isfinite(answer).all()
