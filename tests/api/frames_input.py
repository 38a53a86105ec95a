"""Messages of `frames` input made of a drifting portrait and of noise."""

import io

import numpy as np
from api.conftest import portrait
from PIL import Image

from service.protocol.frames import FrameMessage, pack

STEP = 40_000_000
"""Nanoseconds of one step."""


def picture(sequence: int, step: int, kind: str = "png") -> bytes:
    """The picture of a step."""
    with io.BytesIO() as encoded:
        Image.fromarray(portrait(step)).save(encoded, kind)
        return pack(FrameMessage("picture", sequence, step * STEP, 0, encoded.getvalue()))


def sound(sequence: int, step: int, rate: int = 16_000) -> bytes:
    """The noise from a step to the next."""
    samples = np.random.default_rng(step).normal(0, 3000, rate // 25).astype("<i2")
    return pack(FrameMessage("sound", sequence, step * STEP, rate, samples.tobytes()))


def talking_head(steps: int) -> list[bytes]:
    """25 pictures a second and noise, message by message."""
    return [message for step in range(steps) for message in (picture(2 * step, step), sound(2 * step + 1, step))]
