"""Face crops at the model's size, aligned by the eyes."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.perception.detector import Detection
from service.representation import CROP_SIZE, LEFT_EYE, RIGHT_EYE

Point = tuple[float, float]

MIN_EYE_DISTANCE = 0.39
"""Shortest distance of the eyes that sets a crop's scale, over the width of the face's box. 99% of press photographs
have more (0.43 at the median); a face in profile has less, and its eyes alone would zoom in on a cheek."""

_MARGIN = 2
"""Pixels kept around the source region, so that interpolation at the crop's edge sees real neighbours."""


def crop_face(image: NDArray[np.uint8], detection: Detection) -> NDArray[np.uint8]:
    """Cut a detected face out of the RGB picture [h, w, 3] it was found in; grey, [48, 48].

    `align_crop` by the detected eyes, except that eyes closer than `MIN_EYE_DISTANCE` are moved apart, sideways, about
    their middle. Raises ValueError where the box has no width.
    """
    height, width = image.shape[:2]
    (left_x, left_y), (right_x, right_y) = (
        (eye[0] * width - 0.5, eye[1] * height - 0.5) for eye in (detection.left_eye, detection.right_eye)
    )
    lacking = MIN_EYE_DISTANCE * detection.box.width * width - math.hypot(right_x - left_x, right_y - left_y)
    if lacking > 0.0:
        # Turning the head shortens the distance along the picture's horizontal and makes its direction uncertain.
        apart = lacking / 2 if right_x >= left_x else -lacking / 2
        left_x, right_x = left_x - apart, right_x + apart
    return align_crop(image, (left_x, left_y), (right_x, right_y))


def align_crop(image: NDArray[np.uint8], left_eye: Point, right_eye: Point) -> NDArray[np.uint8]:
    """Cut a face out of an RGB [h, w, 3] or grey [h, w] picture; grey, [48, 48].

    The similarity transform (rotation, one scale, shift) that takes the eye on the picture's left to `LEFT_EYE` and
    the other to `RIGHT_EYE`. Eyes are in pixels, (0, 0) the centre of the first pixel. Where the face is larger than
    the crop it is first averaged over areas, so that nothing aliases; beyond the picture its edge is repeated.
    Raises ValueError where the eyes coincide.
    """
    span_x, span_y = right_eye[0] - left_eye[0], right_eye[1] - left_eye[1]
    distance = math.hypot(span_x, span_y)
    if not distance > 0.0:
        raise ValueError("the eyes coincide")
    scale = CROP_SIZE * (RIGHT_EYE[0] - LEFT_EYE[0]) / distance
    cosine, sine = scale * span_x / distance, scale * span_y / distance
    target_x, target_y = (CROP_SIZE * at - 0.5 for at in LEFT_EYE)
    forward = _Similarity(
        cosine,
        sine,
        target_x - cosine * left_eye[0] - sine * left_eye[1],
        target_y + sine * left_eye[0] - cosine * left_eye[1],
    )
    patch, (x, y) = _surroundings(image, forward)
    # Averaged down to between one and two times the crop's resolution; the rest is left to the bilinear warp. Whole
    # blocks of pixels are averaged four times as fast as parts of them, and what is cut off lies beyond the crop.
    shrink = max(1, int(1.0 / scale))
    height, width = (max(1, side // shrink) for side in patch.shape[:2])
    patch = patch[: height * shrink, : width * shrink]
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY) if patch.ndim == 3 else patch  # BT.601
    if shrink > 1:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    steps_x, steps_y = patch.shape[1] / width, patch.shape[0] / height
    # From pixels of the shrunken patch to pixels of the picture (pixel centres at whole numbers), and on to the crop's.
    back_x, back_y = forward.apply(x + (steps_x - 1) / 2, y + (steps_y - 1) / 2)
    matrix = np.array([[cosine * steps_x, sine * steps_y, back_x], [-sine * steps_x, cosine * steps_y, back_y]])
    crop = cv2.warpAffine(grey, matrix, (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, np.uint8)


class _Similarity(NamedTuple):
    """From pixels of the picture to pixels of the crop: a turn with a scale, then a shift."""

    cosine: float
    sine: float
    x: float
    y: float

    def apply(self, x: float, y: float) -> Point:
        return self.cosine * x + self.sine * y + self.x, self.cosine * y - self.sine * x + self.y

    def undo(self, x: float, y: float) -> Point:
        x, y, size = x - self.x, y - self.y, self.cosine**2 + self.sine**2
        return (self.cosine * x - self.sine * y) / size, (self.cosine * y + self.sine * x) / size


def _surroundings(image: NDArray[np.uint8], forward: _Similarity) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The part of the picture under the crop, at least one pixel, and the place of its first pixel."""
    corners = [forward.undo(x, y) for x in (0, CROP_SIZE - 1) for y in (0, CROP_SIZE - 1)]
    xs, ys = [corner[0] for corner in corners], [corner[1] for corner in corners]
    margin = _MARGIN * max(1.0, 1.0 / math.hypot(forward.cosine, forward.sine))
    height, width = image.shape[:2]
    left, top = (min(max(math.floor(min(at) - margin), 0), size - 1) for at, size in ((xs, width), (ys, height)))
    right, bottom = (
        min(max(math.ceil(max(at) + margin) + 1, first + 1), size)
        for at, first, size in ((xs, left, width), (ys, top, height))
    )
    return image[top:bottom, left:right], (left, top)
