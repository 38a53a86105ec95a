"""Pictures to faces with a real detector: confirmation, movement, held pictures, cuts, the largest face."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain import Box, Face
from service.perception.detector import Detection, FaceDetector
from service.perception.faces import SEARCH_EVERY, FaceFinder, Largest
from service.perception.tracker import MIN_STEPS, Sighting
from service.representation import CROP_SIZE

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def head(astronaut: Image) -> Image:
    """Head and shoulders on a plain ground, 150 pixels high."""
    return np.asarray(cv2.resize(astronaut[20:220, 120:330], (158, 150), interpolation=cv2.INTER_AREA), np.uint8)


def scene(*heads: tuple[Image, int, int]) -> Image:
    picture = np.full((240, 426, 3), 90, np.uint8)
    picture[:120] = 110  # something to tell scenes by
    for image, x, y in heads:
        picture[y : y + image.shape[0], x : x + image.shape[1]] = image
    return picture


def ids(faces: tuple[Face, ...]) -> list[int]:
    return [face.track for face in faces]


def test_a_face_becomes_a_person_and_follows_the_picture(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    seen = [finder.push(step, scene((head, 2 * step, 40))) for step in range(60)]
    assert [ids(faces) for faces in seen[:MIN_STEPS]] == [[]] * MIN_STEPS
    assert all(ids(faces) == [1] for faces in seen[MIN_STEPS + 1 :])
    assert seen[-1][0].crop.shape == (CROP_SIZE, CROP_SIZE)
    moved = (seen[-1][0].box.x - seen[20][0].box.x) * 426
    assert abs(moved - 2 * 39) < 12


def test_crops_of_a_moving_face_stay_alike(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    crops = [face.crop.astype(float) for step in range(40) for face in finder.push(step, scene((head, 3 * step, 40)))]
    likeness = [np.corrcoef(crops[0].ravel(), crop.ravel())[0, 1] for crop in crops]
    assert min(likeness) > 0.8


def test_a_held_picture_counts_once(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    picture = scene((head, 100, 40))
    assert not any(finder.push(step, picture) for step in range(50))


def test_a_held_picture_keeps_its_faces(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    for step in range(20):
        faces = finder.push(step, scene((head, 100, 40)))
    picture = scene((head, 100, 40))
    held = [finder.push(step, picture) for step in range(20, 40)]
    assert len(faces) == 1
    assert all(one is held[0] for one in held)
    assert ids(held[0]) == [1]


def test_a_missed_face_gives_no_stale_crop_and_keeps_its_id(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    for step in range(20):
        finder.push(step, scene((head, 100, 40)))
    assert [finder.push(step, scene()) for step in range(20, 40)] == [()] * 20
    seen = [ids(finder.push(step, scene((head, 100, 40)))) for step in range(40, 40 + SEARCH_EVERY + 1)]
    assert seen[-1] == [1]


def test_two_people_have_two_ids(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    for step in range(30):
        faces = finder.push(step, scene((head, 10, 40 + step % 3), (head, 250, 40)))
    assert ids(faces) == [1, 2]
    assert {round(face.box.x * 2) for face in faces} == {0, 1}


def test_nothing_but_steps_and_pictures_counts(detector: FaceDetector, astronaut: Image, head: Image) -> None:
    def run() -> list[list[int]]:
        finder = FaceFinder(detector)
        return [ids(finder.push(step, scene((head, 100 + step, 40)))) for step in range(15)]

    first = run()
    detector.detect(astronaut)
    assert run() == first


def sighting(track: int, size: float) -> Sighting:
    box = Box(0.1, 0.1, size, size)
    return Sighting(track, box, Detection(box, 0.9, (0.1, 0.1), (0.2, 0.1)))


def test_the_largest_is_one_person() -> None:
    chosen = Largest().choose(0, [sighting(1, 0.1), sighting(2, 0.3)])
    assert [(one.track, one.box.width) for one in chosen] == [(1, 0.3)]


def test_the_largest_does_not_flip_between_faces_of_a_size_nor_over_one_miss() -> None:
    largest = Largest()
    assert largest.choose(0, [sighting(1, 0.30), sighting(2, 0.29)])[0].box.width == 0.30
    assert largest.choose(1, [sighting(1, 0.30), sighting(2, 0.31)])[0].box.width == 0.30
    assert largest.choose(2, [sighting(2, 0.31)]) == []
    assert largest.choose(3, [sighting(1, 0.30), sighting(2, 0.40)])[0].box.width == 0.40


def test_another_face_takes_over_when_the_largest_is_gone() -> None:
    largest = Largest()
    largest.choose(0, [sighting(1, 0.3), sighting(2, 0.2)])
    seen = [largest.choose(step, [sighting(2, 0.2)]) for step in range(1, 2 * SEARCH_EVERY)]
    assert seen[0] == []
    assert seen[-1][0].box.width == 0.2


def test_nobody_has_no_largest() -> None:
    assert Largest().choose(0, []) == []
