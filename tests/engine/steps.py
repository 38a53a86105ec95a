"""Inputs of the attention-LSTM for tests."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.engine import Engine, FusionInputs
from service.representation import WINDOW


def random_inputs(engine: Engine, people: int, steps: int, seed: int = 0, decay: float = -0.02) -> FusionInputs:
    """Of people who are unknown so far; six flags in ten are set."""
    random = np.random.default_rng(seed)
    blank = engine.silence(people=people, steps=steps)

    def flags(before: int = 0) -> NDArray[np.float32]:
        return (random.random((people, before + steps)) < 0.6).astype(np.float32)

    return replace(
        blank,
        face=random.normal(size=blank.face.shape).astype(np.float32),
        face_present=flags(),
        mel=random.normal(-12, 4, blank.mel.shape).astype(np.float32),
        sound_present=flags(),
        heard=flags(WINDOW - 1),
        baseline=random.uniform(-8, 0, blank.baseline.shape).astype(np.float32),
        decay=np.full(people, decay, np.float32),
    )
