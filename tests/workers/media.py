"""Recordings of a moving face, or two, and a voice-like sound, and the pieces in which they are sent."""

from functools import cache

import numpy as np
from api.conftest import portrait
from api.frames_input import talking_head
from media.clips import Clip, write_clip
from numpy.typing import NDArray

from service.media import MediaLimits
from service.workers import SessionOptions

SECONDS = 6.0
STEPS = 150
SIZE = (400, 300)
PIECE = 4096

UPLOAD = SessionOptions(MediaLimits(), "all", None)
LIVE = SessionOptions(MediaLimits(), "all", None, live=True, checkpoint_every=20)
FRAMES = SessionOptions(MediaLimits(), "all", None, input="frames", live=True, checkpoint_every=20)


def couple(index: int) -> NDArray[np.uint8]:
    """Two portraits side by side."""
    return np.hstack([portrait(index)[:, 50:350], portrait(index + 7)[:, 50:350]])


def voice(first: int, count: int, rate: int) -> NDArray[np.float32]:
    """Bursts of noise and a tone, no two seconds the same."""
    at = (first + np.arange(count)) / rate
    noise = np.random.default_rng(first).normal(0, 0.05, count)
    return ((np.sin(880 * at) * 0.3 + noise) * (np.sin(3 * at) > 0)).astype(np.float32)


@cache
def pieces_of(kind: str) -> list[bytes]:
    """The media of one kind of session, in the pieces in which it is sent."""
    if kind == "frames":
        return talking_head(STEPS)
    clip = {
        "webm": Clip("webm", "libvpx", "libopus", SECONDS, SIZE, pictures=portrait, sound=voice, encoder={"g": "25"}),
        "couple": Clip("matroska", "mpeg4", "pcm_s16le", SECONDS, (600, 300), pictures=couple, sound=voice),
        "mp4": Clip(seconds=SECONDS, size=SIZE, pictures=portrait, sound=voice),
        "stream": Clip(
            seconds=SECONDS, size=SIZE, pictures=portrait, sound=voice, muxer={"movflags": "frag_keyframe+empty_moov"}
        ),
    }[kind]
    data = write_clip(clip)
    return [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
