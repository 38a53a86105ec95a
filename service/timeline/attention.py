"""Perception attention over a whole recording: which moments mattered for each emotion."""

import numpy as np
from numpy.typing import NDArray


def attention_weights(scores: NDArray[np.float32], evidence: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Soft attention over time (arXiv 1603.08321): the softmax of each emotion's scores over the steps with evidence.

    `scores` [n, 7], `evidence` [n] with at least one true; the answer [n, 7] sums to 1 over the n steps, and steps
    without evidence weigh nothing.
    """
    masked = np.where(evidence[:, None], scores.astype(np.float64), -np.inf)
    weights = np.exp(masked - masked.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float64)


def thin(steps: NDArray[np.int32], *, step_rate: int, fps: float | None) -> NDArray[np.intp]:
    """Positions of the steps that a timeline of `fps` steps per second keeps: the first in each interval of 1/fps.

    `steps` [n] are increasing step numbers; `None`, or an `fps` of `step_rate` or more, keeps all.
    """
    if fps is None or fps >= step_rate:
        return np.arange(len(steps))
    intervals = interval_of(steps, step_rate=step_rate, fps=fps)
    return np.flatnonzero(np.diff(intervals, prepend=intervals[:1] - 1))


def interval_of(steps: NDArray[np.int32], *, step_rate: int, fps: float) -> NDArray[np.int64]:
    """In which interval of 1/fps seconds each of `steps` [n] lies."""
    # The small term keeps a step that lies on the border of an interval inside it despite rounding.
    return np.asarray(np.floor(steps * (fps / step_rate) + 1e-9), dtype=np.int64)


def gather(weights: NDArray[np.float64], kept: NDArray[np.intp]) -> NDArray[np.float64]:
    """Add up weights [n, 7] from each kept position to the next, so that the sum over time stays 1."""
    return np.asarray(np.add.reduceat(weights, kept, axis=0), dtype=np.float64)
