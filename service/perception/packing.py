"""Small arrays of bytes inside JSON."""

from base64 import b64decode, b64encode

import numpy as np
from numpy.typing import NDArray


def pack(values: NDArray[np.uint8]) -> str:
    """The bytes of an array, row by row, as base64."""
    return b64encode(values.tobytes()).decode()


def unpack(text: str, *shape: int) -> NDArray[np.uint8]:
    """The array of that shape that `pack` was given. Raises ValueError where the bytes do not fill it."""
    return np.frombuffer(b64decode(text, validate=True), np.uint8).reshape(shape)
