"""Faces in one picture: BlazeFace (Bazarevsky et al., arXiv 1907.05047) through mediapipe's Tasks API, image mode."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain import Box
from service.perception.chatter import without_chatter

Point = tuple[float, float]

MIN_SCORE = 0.5
"""Detections below this are not reported. A small face in a wide picture scores about 0.58."""

INPUT_SIDE = 128
"""Side of the network's input; larger cuts are averaged down to twice this before it scales them itself."""

REGION_SCALE = 2.5
"""Side of the square searched around a known face, over the longer side of its box."""

OVERLAP = 0.5
"""Shared area over that of the smaller box above which two detections of one picture are one face."""

TILE = 0.4
"""Side of the small square tiles of a whole-picture search over the picture's shorter side; they overlap by a third.
In a 1280 by 720 picture faces down to 33 pixels are found (0.5: 48, 0.6: 57)."""

MIN_TILE = 192
"""Pixels; smaller tiles would only enlarge what is not there."""


_Square = tuple[int, int, int]  # left, top, side in pixels; may reach beyond the picture


@dataclass(frozen=True, slots=True)
class Detection:
    """A face in one picture. All coordinates are fractions of the whole picture's width and height."""

    box: Box
    score: float
    """0 to 1."""
    left_eye: Point
    """(x, y) of the eye on the picture's left when the face is upright."""
    right_eye: Point


class FaceDetector:
    """One detector; not for two threads at once. Has no memory of earlier pictures, so it can be pooled.

    Always close it (or use `with`): a mediapipe graph that is left to its finaliser can hang there. mediapipe is
    imported when the first detector is made, because that import takes about a second.
    """

    def __init__(self, model: Path | bytes) -> None:
        """Load the BlazeFace file (see `service.assets`), or its content where no file can be opened; OSError,
        ValueError or RuntimeError if it fails."""
        import mediapipe as mp
        from mediapipe.tasks.python import BaseOptions, vision

        self._image: Any = mp.Image
        self._format: Any = mp.ImageFormat.SRGB
        options = vision.FaceDetectorOptions(
            base_options=BaseOptions(model_asset_buffer=model if isinstance(model, bytes) else model.read_bytes()),
            running_mode=vision.RunningMode.IMAGE,
            min_detection_confidence=MIN_SCORE,
        )
        with without_chatter():
            self._detector: Any = vision.FaceDetector.create_from_options(options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the graph; further calls do nothing."""
        if self._detector is not None:
            self._detector.close()
            self._detector = None

    def detect(
        self,
        image: NDArray[np.uint8],
        region: Box | None = None,
        *,
        mirrored: bool = False,
        quarter: int | None = None,
    ) -> list[Detection]:
        """Faces in an RGB picture [h, w, 3], best score first, each once.

        With a `region` (the last box of a known face) only the square around it is searched, otherwise the whole
        picture: at once, in square tiles of its shorter side, and in small tiles, all of them or the given `quarter`
        (0 to 3), so that four searches of a stream together find its small faces at a quarter of the cost each.
        `mirrored` looks at the picture in a mirror, for a second opinion; places are those of the picture as it is.
        """
        height, width = image.shape[:2]
        squares = [_around(region, width, height)] if region is not None else _squares(width, height, quarter)
        return without_duplicates(found for square in squares for found in self._search(image, square, mirrored))

    def _search(self, image: NDArray[np.uint8], square: _Square, mirrored: bool) -> Iterator[Detection]:
        left, top, side = square
        height, width = image.shape[:2]
        cut = _cut(image, left, top, side)
        if mirrored:
            cut = np.ascontiguousarray(cut[:, ::-1])
        result = self._detector.detect(self._image(image_format=self._format, data=cut))
        scale = side / cut.shape[0]

        def place(x: float, y: float) -> Point:
            x = cut.shape[1] - x if mirrored else x
            return (left + x * scale) / width, (top + y * scale) / height

        for found in result.detections:
            box, points = found.bounding_box, found.keypoints
            if box.width <= 0 or box.height <= 0 or len(points) < 2:
                continue
            x, y = place(box.origin_x + (box.width if mirrored else 0), box.origin_y)
            box_width, box_height = box.width * scale / width, box.height * scale / height
            eyes = [place(point.x * cut.shape[1], point.y * cut.shape[0]) for point in points[:2]]
            if mirrored:
                eyes.reverse()
            yield Detection(Box(x, y, box_width, box_height), float(found.categories[0].score), eyes[0], eyes[1])


def _squares(width: int, height: int, quarter: int | None) -> list[_Square]:
    """What a whole-picture search looks at: all of it, then tiles."""
    longer, shorter = max(width, height), min(width, height)
    smallest = max(MIN_TILE, longer // 8)  # a ribbon would take hundreds of tiles
    large, small = max(shorter, smallest), max(round(shorter * TILE), smallest)
    squares: list[_Square] = [((width - longer) // 2, (height - longer) // 2, longer)]
    if large < longer:
        squares += _tiles(width, height, large)
    if small < large:
        squares += _tiles(width, height, small)[quarter :: 1 if quarter is None else 4]
    return squares


def _tiles(width: int, height: int, side: int) -> list[_Square]:
    return [(left, top, side) for top in _starts(height, side) for left in _starts(width, side)]


def _starts(length: int, side: int) -> list[int]:
    """Starts of the fewest evenly spaced tiles that cover `length` and overlap by at least a third."""
    count = 1 if side >= length else int(np.ceil((length - side) / (side * 2 / 3))) + 1
    return [round(at) for at in np.linspace(0, max(0, length - side), count)]


def _around(region: Box, width: int, height: int) -> _Square:
    centre_x, centre_y = (region.x + region.width / 2) * width, (region.y + region.height / 2) * height
    side = REGION_SCALE * max(region.width * width, region.height * height)
    side = int(np.clip(side, 8, 2 * max(width, height)))
    return round(centre_x - side / 2), round(centre_y - side / 2), side


def _cut(image: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.uint8]:
    """The square at (left, top), black beyond the picture, at most `2 * INPUT_SIDE` pixels a side."""
    height, width = image.shape[:2]
    inner = image[max(0, top) : max(0, min(height, top + side)), max(0, left) : max(0, min(width, left + side))]
    target = min(side, 2 * INPUT_SIDE)
    scale = target / side
    square = np.zeros((target, target, 3), np.uint8)
    at_x, at_y = round(max(0, -left) * scale), round(max(0, -top) * scale)
    size = (min(target - at_x, round(inner.shape[1] * scale)), min(target - at_y, round(inner.shape[0] * scale)))
    if size[0] > 0 and size[1] > 0:
        square[at_y : at_y + size[1], at_x : at_x + size[0]] = _shrunk(inner, size, scale) if scale < 1.0 else inner
    return square


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


def without_duplicates(found: Iterable[Detection]) -> list[Detection]:
    """Best first, without those that overlap a better one (the same face seen in two tiles)."""
    kept: list[Detection] = []
    for detection in sorted(found, key=lambda one: (-one.score, one.box.x, one.box.y)):
        if all(overlap(detection.box, other.box) <= OVERLAP for other in kept):
            kept.append(detection)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Shared area over the area of the smaller box, 0 to 1."""
    smaller = min(one.width * one.height, other.width * other.height)
    return _shared(one, other) / smaller if smaller > 0.0 else 0.0


def intersection_over_union(one: Box, other: Box) -> float:
    """Shared over joint area, 0 to 1."""
    shared = _shared(one, other)
    return shared / (one.width * one.height + other.width * other.height - shared) if shared > 0.0 else 0.0


def _shared(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height)
