"""What pictures of every origin go through: turning them upright and scaling them down."""

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from service.errors import MediaUnreadable

LONGER_SIDE = 1280
"""Pixels; larger pictures are scaled down to it."""


class Scaler:
    """Frames to RGB images whose longer side is at most `LONGER_SIDE`."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def convert(self, frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        """A frame as it would look with `width` x `height` pixels, [height, width, 3], or smaller with the same ratio.

        Raises `MediaUnreadable` for a pixel format that cannot be converted.
        """
        scale = min(1.0, LONGER_SIDE / max(width, height))
        try:
            rgb = self._scaler.reformat(
                frame,
                width=max(1, round(width * scale)),
                height=max(1, round(height * scale)),
                format="rgb24",
                interpolation=Interpolation.AREA if scale < 1 else Interpolation.BILINEAR,
                threads=1,
            )
            return np.asarray(rgb.to_ndarray(), dtype=np.uint8)
        except (av.FFmpegError, ValueError) as error:
            raise MediaUnreadable("A picture is in a pixel format that cannot be converted.") from error


def turn(image: NDArray[np.uint8], transposed: bool, mirrored: bool, upside_down: bool) -> NDArray[np.uint8]:
    """An image transposed, then mirrored left to right, then top to bottom, where asked for."""
    if transposed:
        image = image.swapaxes(0, 1)
    return np.ascontiguousarray(image[:: -1 if upside_down else 1, :: -1 if mirrored else 1])
