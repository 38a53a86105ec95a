"""A real face that moves, and what is not the motion of a face."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from service.domain import Box
from service.perception.detector import Detection, FaceDetector
from service.perception.flow import MAX_GROWTH, FaceFlow

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 640, 480


@pytest.fixture(scope="module")
def portrait(astronaut: Image) -> Image:
    return np.asarray(cv2.resize(astronaut, (HEIGHT, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def shown(portrait: Image, *, turn: float = 0.0, scale: float = 1.0, x: float = 80.0, y: float = 0.0) -> Image:
    """The portrait on a wide picture, turned (degrees) and scaled about the middle of its face, then shifted."""
    matrix = cv2.getRotationMatrix2D((210.0, 110.0), turn, scale)
    matrix[:, 2] += np.array([x, y])
    return np.asarray(cv2.warpAffine(portrait, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT), np.uint8)


def detected(detector: FaceDetector, image: Image) -> Detection:
    return detector.detect(image, detector.detect(image)[0].box)[0]


def eyes(face: Detection) -> NDArray[np.float64]:
    """[2, 2], in pixels."""
    return np.array([face.left_eye, face.right_eye]) * (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("turn", "scale", "x", "y"),
    [(0.0, 1.0, 0.0, 0.0), (0.0, 1.0, 1.5, -1.0), (1.0, 1.0, 0.0, 0.0), (0.0, 1.01, 0.0, 0.0), (-0.7, 0.99, 1.0, 1.0)],
)
def test_a_face_is_followed_through_shift_turn_and_scale(
    detector: FaceDetector, portrait: Image, turn: float, scale: float, x: float, y: float
) -> None:
    def at(step: int) -> Image:
        return shown(portrait, turn=turn * step, scale=scale**step, x=80.0 + x * step, y=y * step)

    first = detected(detector, at(0))
    flow = FaceFlow(at(0), first)
    for step in range(1, 10):
        face = flow.follow(at(step))
        assert face is not None
        assert face is flow.last
        assert face.score == first.score
        wanted = cv2.getRotationMatrix2D((210.0 + 80.0, 110.0), turn * step, scale**step)
        moved = eyes(first) @ wanted[:, :2].T + wanted[:, 2] + (x * step, y * step)
        assert np.abs(eyes(face) - moved).max() < 0.8
        assert face.box.width == pytest.approx(first.box.width * scale**step, rel=0.02)
        assert face.box.x + face.box.width / 2 == pytest.approx(
            (np.mean(moved[:, 0]) + (first.box.x + first.box.width / 2) * WIDTH - np.mean(eyes(first)[:, 0])) / WIDTH,
            abs=0.01,
        )


def test_a_face_that_goes_far_or_grows_much_is_to_be_detected_anew(detector: FaceDetector, portrait: Image) -> None:
    first = shown(portrait)
    far, near = FaceFlow(first, detected(detector, first)), FaceFlow(first, detected(detector, first))
    went = [far.follow(shown(portrait, x=80.0 + 4.0 * step)) for step in range(1, 10)]
    assert went[0] is not None
    assert went[-1] is None
    grew = [near.follow(shown(portrait, scale=1.03**step)) for step in range(1, 9)]
    assert grew[0] is not None
    assert MAX_GROWTH < 1.03**8
    assert grew[-1] is None


@pytest.mark.parametrize("what", ["noise", "something in front", "nothing", "another size"])
def test_what_is_no_motion_of_the_face_is_not_followed(detector: FaceDetector, portrait: Image, what: str) -> None:
    first = shown(portrait)
    face = detected(detector, first)
    after = first.copy()
    if what == "noise":
        after = np.random.default_rng(0).integers(0, 255, first.shape).astype(np.uint8)
    elif what == "something in front":
        left, top = round(face.box.x * WIDTH), round(face.box.y * HEIGHT)
        hand = np.random.default_rng(1).integers(0, 255, (20, 20, 3)).astype(np.uint8)
        after[top - 20 : top + 100, left - 20 : left + 100] = cv2.resize(hand, (120, 120))
    elif what == "nothing":
        after[:] = 127
    else:
        after = np.ascontiguousarray(first[:-2])
    assert FaceFlow(first, face).follow(after) is None


@pytest.mark.parametrize("place", [(-0.05, -0.1), (0.95, 0.93), (0.4, -0.15)])
def test_at_the_edge_and_beyond_nothing_fails(portrait: Image, place: tuple[float, float]) -> None:
    x, y = place
    face = Detection(Box(x, y, 0.1, 0.13), 0.9, (x + 0.03, y + 0.05), (x + 0.07, y + 0.05))
    flow = FaceFlow(shown(portrait), face)
    followed = flow.follow(shown(portrait))
    assert followed is None or np.abs(eyes(followed) - eyes(face)).max() < 1e-6


def test_the_smallest_face_is_followed_or_not_but_does_not_fail() -> None:
    image = np.random.default_rng(2).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    face = Detection(Box(0.5, 0.5, 0.002, 0.002), 0.9, (0.5005, 0.501), (0.5015, 0.501))
    followed = FaceFlow(image, face).follow(image)
    assert followed is None or np.abs(eyes(followed) - eyes(face)).max() < 1e-6
