"""The moments that mattered most so far, while a session goes on."""

import math
from typing import NamedTuple

from service.protocol.messages import Measurement
from service.representation import LABELS, Label

MOMENTS = 3
"""Moments kept for each emotion."""

APART = 1.0
"""Seconds between two of them, at least."""


class Attended(NamedTuple):
    """One moment."""

    time: float
    """Seconds."""
    weight: float
    """Attention as a multiple of the same attention spread evenly over the session so far."""


class Moments:
    """One person's most attended moments for each emotion, from the scores as they come. Memory is constant."""

    def __init__(self) -> None:
        self._steps = 0
        self._means = {label: _LogMean() for label in LABELS}
        self._best: dict[Label, list[tuple[float, float]]] = {label: [] for label in LABELS}
        """Score and time of the best, falling."""

    def add(self, measurement: Measurement) -> None:
        """Note the next measurement; one without evidence or scores has no attention."""
        if measurement.scores is None or not measurement.modalities:
            return
        for label, score in measurement.scores.items():
            self._means[label].add(score)
            self._best[label] = _with(self._best[label], score, measurement.time)

    def of(self, label: Label) -> list[Attended]:
        """The moments for `label`, in order of time; none below even attention."""
        mean = self._means[label].value
        found = [Attended(time, math.exp(score - mean)) for score, time in self._best[label]]
        return sorted(moment for moment in found if moment.weight >= 1)


class _LogMean:
    """Logarithm of the mean of exp(x), without overflow."""

    def __init__(self) -> None:
        self._count = 0
        self._largest = -math.inf
        self._sum = 0.0

    def add(self, x: float) -> None:
        self._count += 1
        if x > self._largest:
            self._sum = self._sum * math.exp(self._largest - x)
            self._largest = x
        self._sum += math.exp(x - self._largest)

    @property
    def value(self) -> float:
        return self._largest + math.log(self._sum / self._count) if self._count else 0.0


def _with(best: list[tuple[float, float]], score: float, time: float) -> list[tuple[float, float]]:
    """`best` and a later moment, unless a better one is near or all are better."""
    near = [one for one in best if time - one[1] < APART]
    if any(one[0] >= score for one in near) or (not near and len(best) == MOMENTS and best[-1][0] >= score):
        return best
    return sorted([*(one for one in best if one not in near), (score, time)], reverse=True)[:MOMENTS]
