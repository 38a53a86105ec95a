"""Pictures to faces with a real detector: confirmation, movement, held pictures, cuts, the largest face."""

import json
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from perception.comparing import assert_same_faces

from service.domain import Box, Face, FaceChoice
from service.perception.detector import FaceDetector
from service.perception.faces import FaceFinder, Largest
from service.perception.tracker import MIN_STEPS
from service.representation import CROP_SIZE, KEY_EVERY

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


def assert_same(one: Sequence[tuple[Face, ...]], other: Sequence[tuple[Face, ...]]) -> None:
    """To the last bit."""
    for faces, others in zip(one, other, strict=True):
        assert_same_faces(faces, others)


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


def test_a_held_picture_is_a_picture_that_was_sent_again(detector: FaceDetector, head: Image) -> None:
    def run(again: bool) -> list[tuple[Face, ...]]:
        finder, seen = FaceFinder(detector), []
        for frame in range(8):
            picture = scene((head, 100 + 2 * frame, 40))
            seen += [finder.push(4 * frame + held, picture.copy() if again else picture) for held in range(4)]
        return seen

    once, again = run(False), run(True)
    assert [ids(faces) for faces in once] == [[]] * MIN_STEPS + [[1]] * (32 - MIN_STEPS)
    assert_same(once, again)


def test_a_missed_face_gives_no_stale_crop_and_keeps_its_id(detector: FaceDetector, head: Image) -> None:
    finder = FaceFinder(detector)
    for step in range(20):
        finder.push(step, scene((head, 100, 40)))
    assert [finder.push(step, scene()) for step in range(20, 40)] == [()] * 20
    seen = [ids(finder.push(step, scene((head, 100, 40)))) for step in range(40, 40 + KEY_EVERY + 1)]
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


def sized(track: int, size: float) -> Face:
    return Face(track, Box(0.1, 0.1, size, size), np.zeros((CROP_SIZE, CROP_SIZE), np.uint8))


def test_the_largest_is_one_face() -> None:
    chosen = Largest().choose(0, [sized(1, 0.1), sized(2, 0.3)])
    assert [(one.track, one.box.width) for one in chosen] == [(2, 0.3)]


def test_the_largest_does_not_flip_between_faces_of_a_size_nor_over_one_miss() -> None:
    largest = Largest()
    assert largest.choose(0, [sized(1, 0.30), sized(2, 0.29)])[0].box.width == 0.30
    assert largest.choose(1, [sized(1, 0.30), sized(2, 0.31)])[0].box.width == 0.30
    assert largest.choose(2, [sized(2, 0.31)]) == []
    assert largest.choose(3, [sized(1, 0.30), sized(2, 0.40)])[0].box.width == 0.40


def test_another_face_takes_over_when_the_largest_is_gone() -> None:
    largest = Largest()
    largest.choose(0, [sized(1, 0.3), sized(2, 0.2)])
    seen = [largest.choose(step, [sized(2, 0.2)]) for step in range(1, 2 * KEY_EVERY)]
    assert seen[0] == []
    assert seen[-1][0].box.width == 0.2


def test_nobody_has_no_largest() -> None:
    assert Largest().choose(0, []) == []


def test_whoever_is_the_largest_is_person_one(detector: FaceDetector, head: Image) -> None:
    small = np.asarray(cv2.resize(head, (79, 75), interpolation=cv2.INTER_AREA), np.uint8)
    finder = FaceFinder(detector, "largest")
    seen = [finder.push(step, scene((small, 10, 40), (head, 250, 40))) for step in range(20)]
    seen += [finder.push(step, scene((small, 10, 40))) for step in range(20, 40)]
    assert ids(seen[19]) == ids(seen[39]) == [1]
    assert seen[19][0].box.x > 0.5 > seen[39][0].box.x


@pytest.mark.parametrize("choice", ["all", "largest"])
def test_a_finder_goes_on_with_any_key_picture_as_if_it_had_never_stopped(
    detector: FaceDetector, head: Image, choice: FaceChoice
) -> None:
    """Two who move, a cut away and back, one who leaves for a while."""
    pictures = [scene((head, 2 * step, 40), (head, 250, 60 - step)) for step in range(14)]
    pictures += [np.asarray(255 - scene((head, 130, 50)), np.uint8) for _ in range(6)]
    pictures += [scene((head, 30, 40), *([(head, 250, 44)] if step % 5 else [])) for step in range(14)]
    finder, snapshots, seen = FaceFinder(detector, choice), [], []
    for step, picture in enumerate(pictures):
        snapshots.append(json.dumps(finder.snapshot()))
        seen.append(finder.push(step, picture))
    assert {track for faces in seen for track in ids(faces)} >= ({1, 2} if choice == "all" else {1})
    assert any(not faces for faces in seen[14:20])
    for begin in range(0, len(pictures), KEY_EVERY):
        again = FaceFinder(detector, choice)
        again.restore(json.loads(snapshots[begin]))
        for step in range(begin, len(pictures)):
            assert json.dumps(again.snapshot()) == snapshots[step]
            assert_same([again.push(step, pictures[step])], [seen[step]])


def test_a_snapshot_is_small(detector: FaceDetector, head: Image) -> None:
    """Three scenes remembered; one face, then three of them."""
    sizes = []
    for places in (((100, 40),), ((0, 40), (130, 40), (265, 40))):
        finder = FaceFinder(detector)
        finder.push(0, np.asarray(scene()[::-1], np.uint8))
        finder.push(1, np.asarray(np.rot90(scene()), np.uint8))
        for step in range(2, 20):
            faces = finder.push(step, scene(*((head, x, y + step) for x, y in places)))
        assert len(faces) == len(places)
        assert len(finder.snapshot()["scenes"]["last"]) == 3
        sizes.append(len(json.dumps(finder.snapshot(), separators=(",", ":"))))
    assert sizes[0] < 3000
    assert sizes[1] - sizes[0] < 2 * 1000
