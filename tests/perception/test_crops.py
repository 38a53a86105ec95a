"""Where a crop puts the eyes, and what it does at edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.domain import Box
from service.perception.crops import align_crop, crop_face
from service.perception.detector import Detection
from service.representation import CROP_SIZE, LEFT_EYE, RIGHT_EYE

EYES_OVER_FACE = 0.43
MIDDLE = (350.0, 250.0)


def marked(left: tuple[float, float], right: tuple[float, float], radius: float) -> NDArray[np.uint8]:
    """A dark picture with a soft bright spot on each eye."""
    y, x = np.mgrid[:500, :700]
    spots = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * radius**2)) for a, b in (left, right)]
    return np.asarray(np.clip(20 + 220 * (spots[0] + spots[1]), 0, 255), np.uint8)


def eyes_of(crop: NDArray[np.uint8]) -> list[tuple[float, float]]:
    """Centres of brightness of the crop's left and right halves, as fractions of it."""
    light = np.clip(crop.astype(float) - 60, 0, None)
    y, x = np.mgrid[:CROP_SIZE, :CROP_SIZE] + 0.5
    halves = [light * (x < CROP_SIZE / 2), light * (x > CROP_SIZE / 2)]
    return [(float((h * x).sum() / h.sum() / CROP_SIZE), float((h * y).sum() / h.sum() / CROP_SIZE)) for h in halves]


@settings(max_examples=40, deadline=None)
@given(face=st.floats(30, 400), degrees=st.floats(-80, 80))
def test_the_eyes_land_on_their_places_within_a_pixel(face: float, degrees: float) -> None:
    half = EYES_OVER_FACE * face / 2
    turn = half * np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])
    left, right = tuple(MIDDLE - turn), tuple(MIDDLE + turn)
    crop = align_crop(marked(left, right, 0.08 * face), left, right)
    for found, wanted in zip(eyes_of(crop), (LEFT_EYE, RIGHT_EYE), strict=True):
        assert np.hypot(*np.subtract(found, wanted)) * CROP_SIZE < 1.0


def test_a_crop_is_48_pixels_square_and_grey() -> None:
    crop = align_crop(np.zeros((90, 120, 3), np.uint8), (40, 40), (60, 40))
    assert crop.shape == (CROP_SIZE, CROP_SIZE)
    assert crop.dtype == np.uint8


@pytest.mark.parametrize(("colour", "grey"), [((255, 0, 0), 76), ((0, 255, 0), 150), ((0, 0, 255), 29)])
def test_colours_weigh_as_in_bt_601(colour: tuple[int, int, int], grey: int) -> None:
    picture = np.full((200, 200, 3), colour, np.uint8)
    assert np.all(np.abs(align_crop(picture, (80, 90), (120, 90)).astype(int) - grey) <= 1)


def test_a_fine_pattern_is_averaged_away_when_the_face_is_large() -> None:
    y, x = np.mgrid[:600, :600]
    checks = np.asarray(255 * ((x + y) % 2), np.uint8)
    crop = align_crop(checks, (200.0, 250.0), (380.0, 250.0))
    assert np.abs(crop.astype(int) - 128).max() < 16


def test_beyond_the_picture_its_edge_is_repeated() -> None:
    picture = np.full((100, 100), 90, np.uint8)
    assert np.all(align_crop(picture, (-5.0, 2.0), (30.0, 2.0)) == 90)


def test_eyes_far_outside_the_picture_still_give_a_crop() -> None:
    picture = np.full((100, 100), 90, np.uint8)
    assert np.all(align_crop(picture, (5000.0, -3000.0), (5040.0, -3000.0)) == 90)
    assert np.all(align_crop(np.full((1, 1), 90, np.uint8), (0.0, 0.0), (1.0, 0.0)) == 90)


def test_eyes_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        align_crop(np.zeros((50, 50), np.uint8), (10.0, 10.0), (10.0, 10.0))


def detection(distance: float) -> Detection:
    """A face 100 pixels wide in the middle of a 400 by 400 picture, the eyes `distance` pixels apart."""
    left, right = (200.5 - distance / 2) / 400, (200.5 + distance / 2) / 400
    return Detection(Box(0.375, 0.375, 0.25, 0.25), 0.9, (left, 0.45), (right, 0.45))


def test_an_upright_face_is_aligned_by_its_eyes_alone() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (400, 400, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        crop_face(picture, detection(44.0)), align_crop(picture, (178.0, 179.5), (222.0, 179.5))
    )


@pytest.mark.parametrize("distance", [0.0, 3.0, 20.0, 38.0])
def test_a_turned_face_keeps_its_scale(distance: float) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (400, 400, 3)).astype(np.uint8)
    crop = crop_face(picture, detection(distance)).astype(int)
    assert np.abs(crop - crop_face(picture, detection(39.0)).astype(int)).max() <= 1
