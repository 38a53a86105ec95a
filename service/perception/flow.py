"""A known face followed from picture to picture by its optical flow: far cheaper than to detect it anew.

The Lucas-Kanade method on a pyramid (Bouguet, "Pyramidal implementation of the affine Lucas Kanade feature tracker",
2001), on a small grey patch around the face.
"""

from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from service.domain import Box
from service.perception.detector import Detection, Point
from service.perception.squares import Square, cut

SIDE = 64
"""Pixels of the patch, of which the face takes two thirds; smaller faces have smaller ones."""

REACH = 1.5
"""Side of the patch over the longer side of the face's box."""

MAX_SHIFT = 0.15
"""How far the face may go from where it was detected, over the side of the patch, which it would soon leave."""

MAX_GROWTH = 1.2
"""By which factor the face may grow or shrink."""

MAX_RESIDUAL = 1.0
"""Median distance, in pixels of the patch, of the points from where the motion of the whole face takes them. Beyond, it
is not one face that moves."""

_WINDOW = (9, 9)
_LEVELS = 2
_POINTS = np.array([complex(x, y) for x in (-0.15, 0.5, 1.15) for y in (-0.35, 0.0, 0.35, 0.7)])
"""Which points are followed: their place along the line of the eyes (0 the left, 1 the right one) and across it, down
to the nose. What is further below moves with the mouth."""


class FaceFlow:
    """Follows one face from the picture on which it was detected."""

    def __init__(self, image: NDArray[np.uint8], detection: Detection) -> None:
        """`image`: RGB [h, w, 3]."""
        self._height, self._width = image.shape[:2]
        box = detection.box
        side = max(8, round(REACH * max(box.width * self._width, box.height * self._height)))
        middle = (box.x + box.width / 2), (box.y + box.height / 2)
        left, top = middle[0] * self._width - side / 2, middle[1] * self._height - side / 2
        self._square = Square(round(left), round(top), side)
        self._patch = self._take(image)
        self._scale = len(self._patch) / side
        self._origin = detection
        self._middle = self._inside(middle)
        self._left_eye, self._right_eye = self._inside(detection.left_eye), self._inside(detection.right_eye)
        self._moved = 0j
        """Where the corner of the patch has gone since the detection."""
        self._turned = 1 + 0j
        """By what the face has been turned and scaled about it since then."""
        self.last = detection
        """The face as it was last detected or followed."""

    def follow(self, image: NDArray[np.uint8]) -> Detection | None:
        """The face on the next picture; None where that is uncertain, and then this is of no more use."""
        if image.shape[:2] != (self._height, self._width):
            return None
        left, right = self._now(self._left_eye), self._now(self._right_eye)
        places = left + _POINTS * (right - left)
        before = np.stack([places.real, places.imag], axis=1).astype(np.float32)
        patch = self._take(image)
        after, found, _ = cv2.calcOpticalFlowPyrLK(
            self._patch, patch, before, np.empty_like(before), winSize=_WINDOW, maxLevel=_LEVELS
        )
        if not found.all():
            return None
        motion, _ = cv2.estimateAffinePartial2D(before, after, method=cv2.LMEDS)
        if motion is None:
            return None
        (cosine, _, x), (sine, _, y) = motion.tolist()
        turn, move = complex(cosine, sine), complex(x, y)
        residuals = np.abs(turn * places + move - (after[:, 0].astype(np.float64) + 1j * after[:, 1]))
        if median(residuals.tolist()) > MAX_RESIDUAL:
            return None
        self._patch, self._turned, self._moved = patch, turn * self._turned, turn * self._moved + move
        growth, middle = abs(self._turned), self._now(self._middle)
        if abs(middle - self._middle) > MAX_SHIFT * len(patch) or not 1 / MAX_GROWTH <= growth <= MAX_GROWTH:
            return None
        (x, y), box = self._outside(middle), self._origin.box
        width, height = growth * box.width, growth * box.height
        eyes = self._outside(self._now(self._left_eye)), self._outside(self._now(self._right_eye))
        self.last = Detection(Box(x - width / 2, y - height / 2, width, height), self._origin.score, *eyes)
        return self.last

    def _take(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.asarray(cv2.cvtColor(cut(image, self._square, SIDE), cv2.COLOR_RGB2GRAY), np.uint8)

    def _now(self, place: complex) -> complex:
        """Where what was at `place` when the face was detected is now, in pixels of the patch."""
        return self._turned * place + self._moved

    def _inside(self, point: Point) -> complex:
        """From fractions of the picture to pixels of the patch."""
        left, top, _ = self._square
        x, y = (point[0] * self._width - left) * self._scale, (point[1] * self._height - top) * self._scale
        return complex(x - 0.5, y - 0.5)

    def _outside(self, place: complex) -> Point:
        """The inverse of `_inside`."""
        left, top, _ = self._square
        x, y = (place.real + 0.5) / self._scale + left, (place.imag + 0.5) / self._scale + top
        return x / self._width, y / self._height
