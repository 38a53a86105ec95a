"""Faces in one picture: BlazeFace (Bazarevsky et al., arXiv 1907.05047) through mediapipe's Tasks API, image mode."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.domain import Box
from service.perception.chatter import without_chatter
from service.perception.squares import Square, around, cut, tiles, whole

Point = tuple[float, float]

MIN_SCORE = 0.5
"""Detections below this are not reported. A small face in a wide picture scores about 0.58."""

MOST = 256
"""Side of the largest picture that the network is given: twice that of its input, to which it is scaled there."""

OVERLAP = 0.5
"""Shared area over that of the smaller box above which two detections of one picture are one face."""

ALL = slice(None)
"""Every tile of a picture."""


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
        tile: slice = ALL,
    ) -> list[Detection]:
        """Faces in an RGB picture [h, w, 3], best score first, each once.

        With a `region` (the last box of a known face) only the square around it is searched, otherwise the whole
        picture: at once, and in square `tiles` of its shorter side and small ones, of which `tile` chooses some, so
        that several searches of a stream together see them all. `mirrored` looks at the picture in a mirror, for a
        second opinion; places are those of the picture as it is.
        """
        height, width = image.shape[:2]
        if region is not None:
            squares = [around(region, width, height)]
        else:
            squares = [whole(width, height), *tiles(width, height)[tile]]
        return without_duplicates(found for square in squares for found in self._search(image, square, mirrored))

    def _search(self, image: NDArray[np.uint8], square: Square, mirrored: bool) -> Iterator[Detection]:
        left, top, side = square
        height, width = image.shape[:2]
        pixels = cut(image, square, MOST)
        if mirrored:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        result = self._detector.detect(self._image(image_format=self._format, data=pixels))
        scale = side / len(pixels)

        def place(x: float, y: float) -> Point:
            x = len(pixels) - x if mirrored else x
            return (left + x * scale) / width, (top + y * scale) / height

        for found in result.detections:
            box, points = found.bounding_box, found.keypoints
            if box.width <= 0 or box.height <= 0 or len(points) < 2:
                continue
            x, y = place(box.origin_x + (box.width if mirrored else 0), box.origin_y)
            box_width, box_height = box.width * scale / width, box.height * scale / height
            eyes = [place(point.x * len(pixels), point.y * len(pixels)) for point in points[:2]]
            if mirrored:
                eyes.reverse()
            yield Detection(Box(x, y, box_width, box_height), float(found.categories[0].score), eyes[0], eyes[1])


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
