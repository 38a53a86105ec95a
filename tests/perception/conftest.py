"""A real detector, shared: it has no memory of earlier pictures."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from service.assets import face_detector_path
from service.perception.detector import FaceDetector


@pytest.fixture(scope="session")
def detector() -> Iterator[FaceDetector]:
    with FaceDetector(face_detector_path()) as opened:
        yield opened


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """A portrait, RGB [512, 512, 3]; the face is about 95 pixels wide with its middle near (224, 130)."""
    return np.asarray(data.astronaut(), np.uint8)
