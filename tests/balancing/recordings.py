"""Media for live sessions that cost little: small pictures, or none."""

import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from live.script import Sent
from PIL import Image

from service.domain import Picture
from service.media import decode
from service.representation import SAMPLE_RATE, STEP_RATE

_SIZE = (160, 120)
_PIECE = 0.1
"""Seconds of sound in a message."""
_PICTURES_PER_PIECE = 2
"""A picture comes with every so many pieces of sound: five a second."""


@dataclass(frozen=True)
class Recording:
    """What a session sends."""

    name: str
    sent: tuple[Sent, ...]


def recordings(sample: Path, seconds: float) -> list[Recording]:
    """Two with sound only and one with pictures, which begin at different places of the clip and repeat it."""
    return [
        Recording("sound from the beginning", tuple(_script(sample, seconds, 0.0, pictures=False))),
        Recording("sound from the middle", tuple(_script(sample, seconds, 4.2, pictures=False))),
        Recording("camera", tuple(_script(sample, seconds, 1.0, pictures=True))),
    ]


def _script(sample: Path, seconds: float, begin: float, *, pictures: bool) -> list[Sent]:
    samples, images = _decoded(sample)
    size = round(_PIECE * SAMPLE_RATE)
    script = []
    for piece in range(round(seconds / _PIECE)):
        time = piece * _PIECE
        if pictures and piece % _PICTURES_PER_PIECE == 0:
            script.append(Sent(time, "picture", images[round((begin + time) * STEP_RATE) % len(images)]))
        at = round(begin * SAMPLE_RATE) + piece * size
        script.append(Sent(time, "sound", samples.take(range(at, at + size), mode="wrap").tobytes()))
    return script


@cache
def _decoded(sample: Path) -> tuple[np.ndarray, list[bytes]]:
    """The samples [n] as PCM16, and a small JPEG for each step."""
    sounds, images = [], []
    with decode(io.BytesIO(sample.read_bytes())) as media:
        for item in media:
            if isinstance(item, Picture):
                assert item.image is not None
                images.append(_jpeg(item.image))
            else:
                sounds.append(np.round(item.samples * 32768).astype("<i2"))
    return np.concatenate(sounds), images


def _jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).resize(_SIZE).save(out, "JPEG", quality=85)
    return out.getvalue()
