"""Comparing faces that were found in two ways."""

from collections.abc import Sequence

import numpy as np

from service.domain import Face


def assert_same_faces(one: Sequence[Face], other: Sequence[Face]) -> None:
    """To the last bit."""
    assert [(face.track, face.box, face.motion) for face in one] == [
        (face.track, face.box, face.motion) for face in other
    ]
    for face, twin in zip(one, other, strict=True):
        np.testing.assert_array_equal(face.crop, twin.crop)
