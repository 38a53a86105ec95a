"""Personal baselines: how a person's face is on average, as the face encoder's own head sees it.

A baseline is a mean of expression outputs, not an identity embedding. While one is learnt, the network is given the
mean as of the last whole second of media, so that how steps are grouped changes nothing.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.analysis.snapshot import Arrays
from service.engine.engine import BASELINE_FLOOR, BASELINE_HALF
from service.representation import LABELS, STEP_RATE

Baseline = NDArray[np.float32]
"""[8]: the mean over time of log probabilities (natural logarithm, each at least `BASELINE_FLOOR`), then the weight of
that mean, seconds / (seconds + `BASELINE_HALF`)."""

_SIZE = len(LABELS) + 1


@dataclass(slots=True)
class _Person:
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(_SIZE))
    """Of log probabilities over steps with a face, then the number of those steps."""
    given: Baseline = field(default_factory=lambda: np.zeros(_SIZE, np.float32))
    """What the network is given for now."""


class BaselineLearner:
    """Learns everyone's baseline at once; some 100 bytes for each person."""

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._second = -1

    def begin(self, step: int) -> None:
        """What follows begins with `step`. In a new second everyone's baseline is renewed."""
        if step // STEP_RATE != self._second:
            self._second = step // STEP_RATE
            for person in self._people.values():
                person.given = _mean(person.sums)

    def add(self, person: int, probabilities: NDArray[np.float32]) -> None:
        """A face of `person` with the encoder's probabilities [7]."""
        logs = np.log(np.maximum(probabilities.astype(np.float64), np.exp(BASELINE_FLOOR)))
        if person not in self._people:
            self._people[person] = _Person()
        self._people[person].sums += np.append(logs, 1.0)

    def given(self, person: int) -> Baseline:
        """What the network is given for `person` in this second: zeros while there is nothing."""
        return self._people[person].given if person in self._people else np.zeros(_SIZE, np.float32)

    def learnt(self) -> dict[int, Baseline]:
        """The baseline of everyone whose face was seen, up to now."""
        return {number: _mean(person.sums) for number, person in self._people.items()}

    def state(self) -> Arrays:
        """All that is needed to go on, as arrays."""
        people = self._people.values()
        return {
            "second": np.array([self._second], np.int32),
            "people": np.array(list(self._people), np.int32),
            "sums": np.array([person.sums for person in people], np.float64),
            "given": np.array([person.given for person in people], np.float32),
        }

    def restore(self, state: Arrays) -> None:
        """Go on from `state`."""
        [self._second] = state["second"].tolist()
        self._people = {
            number: _Person(sums, given)
            for number, sums, given in zip(state["people"].tolist(), state["sums"], state["given"], strict=True)
        }


def _mean(sums: NDArray[np.float64]) -> Baseline:
    seconds = sums[-1] / STEP_RATE
    return np.append(sums[:-1] / sums[-1], seconds / (seconds + BASELINE_HALF)).astype(np.float32)
