"""Small hand-made steps of perception for tests."""

from collections.abc import Iterable

import numpy as np

from service.domain import Box, Face, MediaInfo, Step
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP, STEP_RATE


def face(track: int, seed: int = 0) -> Face:
    """A face of noise."""
    crop = np.random.default_rng(seed).integers(0, 256, (CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    return Face(track, Box(0.1 * track, 0.2, 0.3, 0.4), crop)


def step(index: int, *, tracks: Iterable[int] = (), sound: bool = False, speech: bool = False) -> Step:
    """A step with the given face tracks, and with noise for sound where there is sound or speech."""
    random = np.random.default_rng(index)
    mel = random.normal(-5, 3, (MELS_PER_STEP, MEL_BINS)).astype(np.float32) if sound or speech else None
    return Step(index, tuple(face(track, seed=1000 * track + index) for track in tracks), mel, speech)


def info(steps: int, *, audio: bool = True, video: bool = True) -> MediaInfo:
    """Media of that many steps."""
    return MediaInfo(steps / STEP_RATE, steps if video else 0, 640 * video, 360 * video, video, audio)
