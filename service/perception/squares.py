"""Where a detector looks: squares of a picture, cut out at the size that it wants."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain import Box

REGION_SCALE = 2.5
"""Side of the square searched around a known face, over the longer side of its box."""

TILE = 0.4
"""Side of the small square tiles of a whole-picture search over the picture's shorter side; they overlap by a third.
In a 1280 by 720 picture faces down to 33 pixels are found (0.5: 48, 0.6: 57)."""

MIN_TILE = 192
"""Pixels; smaller tiles would only enlarge what is not there."""


class Square(NamedTuple):
    """A part of a picture, in pixels; may reach beyond it."""

    left: int
    top: int
    side: int


def around(region: Box, width: int, height: int) -> Square:
    """The square to search for a face that was last seen in `region`."""
    centre_x, centre_y = (region.x + region.width / 2) * width, (region.y + region.height / 2) * height
    side = REGION_SCALE * max(region.width * width, region.height * height)
    side = int(min(max(side, 8), 2 * max(width, height)))
    return Square(round(centre_x - side / 2), round(centre_y - side / 2), side)


def whole(width: int, height: int) -> Square:
    """All of a picture."""
    longer = max(width, height)
    return Square((width - longer) // 2, (height - longer) // 2, longer)


@lru_cache(maxsize=16)
def tiles(width: int, height: int) -> tuple[Square, ...]:
    """Squares that together cover a picture: those of its shorter side, then the small ones."""
    longer, shorter = max(width, height), min(width, height)
    smallest = max(MIN_TILE, longer // 8)  # a ribbon would take hundreds of tiles
    large, small = max(shorter, smallest), max(round(shorter * TILE), smallest)
    sides = ([large] if large < longer else []) + ([small] if small < large else [])
    return tuple(
        Square(left, top, side) for side in sides for top in _starts(height, side) for left in _starts(width, side)
    )


def _starts(length: int, side: int) -> list[int]:
    """Starts of the fewest evenly spaced tiles that cover `length` and overlap by at least a third."""
    count = 1 if side >= length else int(np.ceil((length - side) / (side * 2 / 3))) + 1
    return [round(at) for at in np.linspace(0, max(0, length - side), count)]


def cut(image: NDArray[np.uint8], square: Square, most: int) -> NDArray[np.uint8]:
    """The square of an RGB picture, black beyond it, at most `most` pixels a side."""
    left, top, side = square
    height, width = image.shape[:2]
    target = min(side, most)
    inside = 0 <= left <= width - side and 0 <= top <= height - side
    if inside:
        inner = image[top : top + side, left : left + side]
        return _shrunk(inner, (target, target), target / side) if target < side else np.ascontiguousarray(inner)
    inner = image[max(0, top) : max(0, min(height, top + side)), max(0, left) : max(0, min(width, left + side))]
    scale = target / side
    black = np.zeros((target, target, 3), np.uint8)
    at_x, at_y = round(max(0, -left) * scale), round(max(0, -top) * scale)
    size = (min(target - at_x, round(inner.shape[1] * scale)), min(target - at_y, round(inner.shape[0] * scale)))
    if size[0] > 0 and size[1] > 0:
        black[at_y : at_y + size[1], at_x : at_x + size[0]] = _shrunk(inner, size, scale) if scale < 1.0 else inner
    return black


def _shrunk(image: NDArray[np.uint8], size: tuple[int, int], scale: float) -> NDArray[np.uint8]:
    """The image, shrunk by `scale` to `size` (width, height): averaged by halves, then between four pixels.

    The network would pick single pixels and alias. Averaging over the exact areas looks the same and takes six times as
    long.
    """
    while scale < 0.5 and min(image.shape[:2]) > 1:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        halved = cv2.resize(image[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
        image, scale = np.asarray(halved, np.uint8), 2 * scale
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
