"""Face crops at the model's size, aligned by the eyes."""

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
    size = np.array([image.shape[1], image.shape[0]], np.float64)
    left, right = np.array(detection.left_eye) * size - 0.5, np.array(detection.right_eye) * size - 0.5
    lacking = MIN_EYE_DISTANCE * detection.box.width * size[0] - float(np.hypot(*(right - left)))
    if lacking > 0.0:
        # Turning the head shortens the distance along the picture's horizontal and makes its direction uncertain.
        apart = np.array([lacking / 2 if right[0] >= left[0] else -lacking / 2, 0.0])
        left, right = left - apart, right + apart
    return align_crop(image, (float(left[0]), float(left[1])), (float(right[0]), float(right[1])))


def align_crop(image: NDArray[np.uint8], left_eye: Point, right_eye: Point) -> NDArray[np.uint8]:
    """Cut a face out of an RGB [h, w, 3] or grey [h, w] picture; grey, [48, 48].

    The similarity transform (rotation, one scale, shift) that takes the eye on the picture's left to `LEFT_EYE` and
    the other to `RIGHT_EYE`. Eyes are in pixels, (0, 0) the centre of the first pixel. Where the face is larger than
    the crop it is first averaged over areas, so that nothing aliases; beyond the picture its edge is repeated.
    Raises ValueError where the eyes coincide.
    """
    span = np.subtract(right_eye, left_eye)
    distance = float(np.hypot(*span))
    if not distance > 0.0:
        raise ValueError("the eyes coincide")
    scale = CROP_SIZE * (RIGHT_EYE[0] - LEFT_EYE[0]) / distance
    forward = _similarity(left_eye, span, distance, scale)
    patch, (x, y) = _surroundings(image, forward)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY) if patch.ndim == 3 else patch  # BT.601
    # Averaged down to between one and two times the crop's resolution; the rest is left to the bilinear warp.
    shrink = max(1, int(1.0 / scale))
    width, height = (max(1, side // shrink) for side in (grey.shape[1], grey.shape[0]))
    if shrink > 1:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    steps_x, steps_y = patch.shape[1] / width, patch.shape[0] / height
    # From pixels of the shrunken patch to pixels of the picture (pixel centres at whole numbers).
    back = np.array([[steps_x, 0, x + (steps_x - 1) / 2], [0, steps_y, y + (steps_y - 1) / 2], [0, 0, 1]])
    crop = cv2.warpAffine(
        grey, (forward @ back)[:2], (CROP_SIZE, CROP_SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(crop, np.uint8)


def _similarity(left_eye: Point, span: NDArray[np.float64], distance: float, scale: float) -> NDArray[np.float64]:
    """[3, 3], from pixels of the picture to pixels of the crop."""
    cosine, sine = scale * span / distance
    target_x, target_y = (CROP_SIZE * at - 0.5 for at in LEFT_EYE)
    x, y = left_eye
    return np.array(
        [
            [cosine, sine, target_x - cosine * x - sine * y],
            [-sine, cosine, target_y + sine * x - cosine * y],
            [0.0, 0.0, 1.0],
        ]
    )


def _surroundings(image: NDArray[np.uint8], forward: NDArray[np.float64]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The part of the picture under the crop, at least one pixel, and the place of its first pixel."""
    corners = np.array([[x, y, 1.0] for x in (0, CROP_SIZE - 1) for y in (0, CROP_SIZE - 1)])
    source = (np.linalg.inv(forward) @ corners.T)[:2]
    height, width = image.shape[:2]
    margin = _MARGIN * max(1.0, 1.0 / float(np.hypot(*forward[0, :2])))
    left, top = np.clip(np.floor(source.min(1) - margin), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(source.max(1) + margin) + 1, (left + 1, top + 1), (width, height)).astype(int)
    return image[top:bottom, left:right], (int(left), int(top))
