"""Faces in single pictures: a real portrait near, far, at the edge, and no face at all."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain import Box
from service.perception.detector import Detection, FaceDetector, intersection_over_union, overlap, without_duplicates

Image = NDArray[np.uint8]
EYES = ((201.0, 105.0), (246.0, 109.0))
"""Pixels of the portrait, read off by hand."""


def placed(astronaut: Image, scale: float, x: int, y: int, width: int = 1280, height: int = 720) -> Image:
    """The portrait's head and shoulders, scaled, on a grey picture with its corner at (x, y)."""
    head = astronaut[20:220, 120:330]
    small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    return picture


def test_the_portrait_is_found_with_its_eyes(detector: FaceDetector, astronaut: Image) -> None:
    found = detector.detect(astronaut)[0]
    assert found.score > 0.8
    for eye, (x, y) in zip((found.left_eye, found.right_eye), EYES, strict=True):
        assert np.hypot(eye[0] * 512 - x, eye[1] * 512 - y) < 6.0
    assert found.box.x < found.left_eye[0] < found.right_eye[0] < found.box.x + found.box.width


@pytest.mark.parametrize(("scale", "x", "y"), [(2.0, 300, 100), (1.0, 900, 400), (0.5, 40, 30), (0.35, 1100, 600)])
def test_near_and_far_faces_of_a_wide_picture_are_found(
    detector: FaceDetector, astronaut: Image, scale: float, x: int, y: int
) -> None:
    picture = placed(astronaut, scale, x, y)
    best = detector.detect(picture, detector.detect(picture)[0].box)[0]
    for eye, (eye_x, eye_y) in zip((best.left_eye, best.right_eye), EYES, strict=True):
        wanted = x + scale * (eye_x - 120), y + scale * (eye_y - 20)
        assert np.hypot(eye[0] * 1280 - wanted[0], eye[1] * 720 - wanted[1]) < 4.0 + 8.0 * scale


def test_shares_of_the_tiles_together_find_what_a_full_search_finds(detector: FaceDetector, astronaut: Image) -> None:
    picture = placed(astronaut, 0.4, 777, 333)
    whole = detector.detect(picture)
    parts = [detector.detect(picture, tile=slice(share, None, 4)) for share in range(4)]
    assert without_duplicates(found for part in parts for found in part) == whole != []
    assert not all(parts)


def test_a_mirror_shows_the_same_face_in_the_same_place(detector: FaceDetector, astronaut: Image) -> None:
    plain = detector.detect(astronaut, Box(0.35, 0.16, 0.18, 0.18))[0]
    mirrored = detector.detect(astronaut, Box(0.35, 0.16, 0.18, 0.18), mirrored=True)[0]
    for one, other in ((plain.left_eye, mirrored.left_eye), (plain.right_eye, mirrored.right_eye)):
        assert np.hypot(one[0] - other[0], one[1] - other[1]) < 0.015
    assert intersection_over_union(plain.box, mirrored.box) > 0.8


def test_a_region_narrows_the_search(detector: FaceDetector, astronaut: Image) -> None:
    two = np.concatenate([placed(astronaut, 1.0, 100, 200)[:, :640], placed(astronaut, 1.0, 200, 300)[:, :640]], axis=1)
    assert len(detector.detect(two)) == 2
    (left,) = detector.detect(two, Box(0.12, 0.34, 0.08, 0.14))
    assert left.box.x < 0.5
    assert detector.detect(two, Box(0.4, 0.7, 0.05, 0.05)) == []


@pytest.mark.parametrize("region", [Box(-0.5, -0.5, 0.4, 0.4), Box(0.9, 0.9, 0.5, 0.5), Box(0.5, 0.5, 0.0, 0.0)])
def test_a_region_beyond_the_edge_finds_nothing_and_does_not_fail(
    detector: FaceDetector, astronaut: Image, region: Box
) -> None:
    assert detector.detect(astronaut, region) == []


def test_a_face_cut_by_the_edge_keeps_its_place(detector: FaceDetector, astronaut: Image) -> None:
    cut = np.ascontiguousarray(astronaut[:, 190:])
    (found,) = detector.detect(cut, Box(-0.02, 0.15, 0.28, 0.18))
    assert abs(found.right_eye[0] * cut.shape[1] - (EYES[1][0] - 190)) < 10.0


@pytest.mark.parametrize("shape", [(1, 1), (4, 1280), (1280, 4), (3, 500), (720, 1280)])
def test_pictures_of_any_shape_without_a_face_give_nothing(detector: FaceDetector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    assert detector.detect(np.zeros((*shape, 3), np.uint8)) == []
    assert detector.detect(noise) == []


def test_a_detector_has_no_memory(detector: FaceDetector, astronaut: Image) -> None:
    first = detector.detect(astronaut)
    detector.detect(np.zeros((300, 400, 3), np.uint8))
    assert detector.detect(astronaut) == first


def test_a_picture_need_not_be_contiguous(detector: FaceDetector, astronaut: Image) -> None:
    mirrored = astronaut[:, ::-1]
    assert detector.detect(mirrored) == detector.detect(np.ascontiguousarray(mirrored))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"no model" * 100)
    with pytest.raises((ValueError, RuntimeError)):
        FaceDetector(tmp_path / "model.tflite")
    with pytest.raises(OSError, match="none"):
        FaceDetector(tmp_path / "none.tflite")


def test_a_detector_starts_without_chatter_and_closes_twice() -> None:
    script = (
        "import os\n"
        "from service.assets import face_detector_path\n"
        "from service.perception.detector import FaceDetector\n"
        "detector = FaceDetector(face_detector_path())\n"
        "detector.close(); detector.close()\n"
        "os.write(2, b'own words')"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120, check=True)
    assert ended.stderr == b"own words"


def test_overlap_is_of_the_smaller_box_and_the_ratio_of_both() -> None:
    large, small = Box(0.0, 0.0, 0.4, 0.4), Box(0.1, 0.1, 0.2, 0.2)
    assert overlap(large, small) == pytest.approx(1.0)
    assert intersection_over_union(large, small) == pytest.approx(0.25)
    assert overlap(small, Box(0.3, 0.0, 0.1, 0.1)) == 0.0


def test_of_two_boxes_for_one_face_the_better_stays() -> None:
    eye = (0.5, 0.5)
    good = Detection(Box(0.4, 0.4, 0.2, 0.2), 0.9, eye, eye)
    inner = Detection(Box(0.42, 0.42, 0.1, 0.1), 0.6, eye, eye)
    beside = Detection(Box(0.7, 0.4, 0.2, 0.2), 0.55, eye, eye)
    assert without_duplicates([inner, beside, good]) == [good, beside]
