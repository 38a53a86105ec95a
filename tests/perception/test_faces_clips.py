"""Following people between key pictures sees what detecting them on every picture sees, on real recordings."""

from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from service.domain import Face, Picture
from service.media import decode
from service.perception import faces
from service.perception.detector import FaceDetector
from service.perception.faces import FaceFinder

PICTURES = 70

pytestmark = pytest.mark.data


def seen(path: Path, detector: FaceDetector) -> list[tuple[Face, ...]]:
    finder = FaceFinder(detector)
    with path.open("rb") as file, decode(file) as media:
        pictures = (item for item in media if isinstance(item, Picture))
        return [finder.push(item.step, item.image) for item in islice(pictures, PICTURES) if item.image is not None]


@pytest.mark.parametrize(
    "name", ["talking_20s.mp4", "ravdess_surprise_a.mp4", "mead_sad_1080p.mp4", "portrait_no_audio_track.mp4"]
)
def test_people_and_boxes_are_those_of_detection_on_every_picture(
    clip: Callable[[str], Path], detector: FaceDetector, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    followed = seen(clip(name), detector)
    monkeypatch.setattr(faces, "KEY_EVERY", 1)
    detected = seen(clip(name), detector)
    assert [[face.track for face in each] for each in followed] == [[face.track for face in each] for each in detected]
    pairs = [pair for one, other in zip(followed, detected, strict=True) for pair in zip(one, other, strict=True)]
    assert len(pairs) > PICTURES // 2
    errors = [
        max(abs(one.box.x - other.box.x), abs(one.box.width - other.box.width)) / other.box.width
        for one, other in pairs
    ]
    assert np.median(errors) < 0.03
    assert np.quantile(errors, 0.95) < 0.08
    alike = [np.corrcoef(one.crop.ravel(), other.crop.ravel())[0, 1] for one, other in pairs]
    assert np.median(alike) > 0.9
    assert unrest(followed) < 0.8 * unrest(detected)


def unrest(pictures: list[tuple[Face, ...]]) -> float:
    """Mean change of the first person's crop from picture to picture, in grey levels."""
    crops = [each[0].crop.astype(float) for each in pictures if each]
    return float(np.mean([np.abs(one - other).mean() for one, other in pairwise(crops)]))
