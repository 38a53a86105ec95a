"""FER+ votes (Barsoum et al. 2016, arXiv 1608.01041): their columns, and which faces have a clear label."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.representation import LABELS

VOTE_COLUMNS: Final = (
    "neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt", "unknown", "no_face",
)  # fmt: skip
"""Columns of the votes, in our names."""


def clear_majority(votes: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Faces whose top vote is one of the seven and has more than half of all votes -> (row numbers, labels)."""
    counts = votes.astype(np.int64)
    ours = np.array([LABELS.index(name) if name in LABELS else -1 for name in VOTE_COLUMNS])
    labels = ours[counts.argmax(axis=1)]
    rows = np.flatnonzero((2 * counts.max(axis=1) > counts.sum(axis=1)) & (labels >= 0))
    return rows, labels[rows]
