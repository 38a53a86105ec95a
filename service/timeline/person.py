"""What was measured of one person, in columns, and that person's part of the result."""

from array import array

import numpy as np
from numpy.typing import NDArray

from service.domain import Measurement
from service.representation import LABELS, STEP_RATE
from service.timeline.attention import attention_weights, gather, thin
from service.timeline.models import AlignmentStep, Person, TimelineStep
from service.timeline.rows import Rows
from service.timeline.steps import (
    EVIDENCE,
    alignment_numbers,
    alignment_step,
    box_numbers,
    flags_of,
    step_fields,
    summarise,
)


class PersonRecord:
    """One row for each step, 96 bytes wide."""

    def __init__(self, person: int) -> None:
        self.id = person
        self._steps = array("i")
        self._probabilities = array("f")
        self._scores = array("f")
        self._boxes = array("f")
        self._alignments = array("f")
        self._flags = bytearray()
        self._overall: NDArray[np.float32] = np.zeros(len(LABELS), np.float32)

    def add(self, measurement: Measurement) -> None:
        """Append the next step of this person."""
        self._steps.append(measurement.step)
        self._probabilities.extend(measurement.probabilities.tolist())
        self._scores.extend(measurement.scores.tolist())
        self._boxes.extend(box_numbers(measurement.box))
        self._alignments.extend(alignment_numbers(measurement.alignment))
        self._flags.append(flags_of(measurement))
        self._overall = measurement.overall.copy()

    def result(self, *, timeline_fps: float | None, uncertain_below: float) -> Person:
        """This person's part of the result; needs at least one step."""
        flags = np.frombuffer(self._flags, np.uint8)
        scores = np.frombuffer(self._scores, np.float32).reshape(-1, len(LABELS))
        steps = np.frombuffer(self._steps, np.int32)
        kept = thin(steps, step_rate=STEP_RATE, fps=timeline_fps)
        weights = gather(attention_weights(scores, flags & EVIDENCE > 0), kept)
        return Person(
            id=self.id,
            summary=summarise(self._overall, int(np.bitwise_or.reduce(flags)), uncertain_below),
            timeline=Rows(len(kept), lambda place: self._timeline_step(int(kept[place]))),
            attention={label: _weights(column) for label, column in zip(LABELS, weights.T, strict=True)},
            alignment=Rows(len(kept), lambda place: self._alignment_step(int(kept[place]))),
        )

    def _timeline_step(self, row: int) -> TimelineStep:
        box, probabilities = self._boxes[row * 4 : row * 4 + 4], self._probabilities[row * 7 : row * 7 + 7]
        return TimelineStep(**step_fields(self._steps[row], self._flags[row], box, probabilities))

    def _alignment_step(self, row: int) -> AlignmentStep | None:
        lag, weight = self._alignments[row * 2 : row * 2 + 2]
        return alignment_step(self._flags[row], lag, weight)


def _weights(column: NDArray[np.float64]) -> Rows[float]:
    return Rows(len(column), lambda place: round(float(column[place]), 9))
