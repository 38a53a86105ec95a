"""Single encoded pictures: JPEG, PNG and WebP, told by their own signatures, with Pillow."""

from io import BytesIO

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from service.errors import InvalidFrame
from service.media.images import LONGER_SIDE, Scaler, turn
from service.media.limits import MediaLimits

_SCAN = b"\xff\xda"
"""The marker before each pass over a JPEG's pixels; nothing else in it looks so, but for the thumbnail of its Exif."""
_MAX_SCANS = 100
"""An encoder makes ten. Each takes as long as a picture, and 23 bytes, and all the time no other thread runs."""
_ORIENTATION = 0x0112
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""What to do for each Exif orientation: transpose, then mirror left to right, then top to bottom."""


class Still:
    """One encoded picture. Its header is read at once, its pixels when they are asked for."""

    def __init__(self, data: bytes, limits: MediaLimits) -> None:
        """Raises `InvalidFrame` for what is no picture of a known kind, or too large a one."""
        try:
            self._image = _open(data, limits)
        except InvalidFrame:
            raise
        except Exception as error:  # Pillow's parsers let many kinds through
            raise InvalidFrame("The picture's header is damaged.") from error
        self.size = (0, 0)
        """Width and height, upright, before scaling down; known once `decode` has been called."""

    def decode(self, scaler: Scaler) -> NDArray[np.uint8]:
        """RGB, [height, width, 3], upright, the longer side at most 1280. Raises `InvalidFrame` for damage."""
        try:
            with self._image as image:
                pixels = _rgb(image)
                how = _TURNS.get(image.getexif().get(_ORIENTATION, 1), _TURNS[1])
        except Exception as error:  # Pillow's decoders let many kinds through
            raise InvalidFrame("The picture is damaged.") from error
        height, width, _ = pixels.shape
        self.size = (height, width) if how[0] else (width, height)
        if max(width, height) > LONGER_SIDE:
            pixels = scaler.convert(VideoFrame.from_ndarray(pixels, "rgb24"), width, height)
        return turn(pixels, *how)


def _open(data: bytes, limits: MediaLimits) -> ImageFile:
    """Not by `Image.open`: it tries other formats as well, and has an opinion of its own on what is too large."""
    kind: type[ImageFile]
    if data.startswith(b"\xff\xd8\xff"):
        if data.count(_SCAN) > _MAX_SCANS:
            raise InvalidFrame(f"The picture is coded in more than {_MAX_SCANS} passes.")
        kind = JpegImageFile
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind = PngImageFile
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        _check(*_webp_size(data), limits)  # Pillow makes room for the pixels at once
        kind = WebPImageFile
    else:
        raise InvalidFrame("The picture is neither JPEG nor PNG nor WebP.")
    image = kind(BytesIO(data))
    _check(*image.size, limits)
    return image


def _check(width: int, height: int, limits: MediaLimits) -> None:
    if not 0 < width * height <= limits.max_pixels:
        raise InvalidFrame(f"The picture has {width} x {height} pixels; at most {limits.max_pixels} are allowed.")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas (RFC 9649, 2.5 to 2.7)."""
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _rgb(image: ImageFile) -> NDArray[np.uint8]:
    """[height, width, 3]; transparency is ignored, of 16 bits the upper eight are kept."""
    if image.mode.startswith("I"):
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    image.load()
    image.info.pop("transparency", None)  # Pillow would warn that it is dropped
    return np.asarray(image.convert("RGB"), dtype=np.uint8)
