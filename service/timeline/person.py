"""What was measured of one person, in columns, and that person's part of the result."""

from array import array

import numpy as np
from numpy.typing import NDArray

from service.domain import Measurement
from service.representation import LABELS, STEP_RATE, Label
from service.timeline.attention import attention_weights, gather, thin
from service.timeline.models import AlignmentStep, BoxModel, Modality, Person, Summary, TimelineStep

_NOWHERE = (float("nan"),) * 4


class PersonRecord:
    """One row for each step, 96 bytes wide."""

    def __init__(self, person: int) -> None:
        self.id = person
        self._steps = array("i")
        self._probabilities = array("f")
        self._scores = array("f")
        self._boxes = array("f")
        self._lags = array("f")
        self._weights = array("f")
        self._flags = bytearray()
        self._overall: NDArray[np.float32] = np.zeros(len(LABELS), np.float32)

    def add(self, measurement: Measurement) -> None:
        """Append the next step of this person."""
        box, alignment = measurement.box, measurement.alignment
        self._steps.append(measurement.step)
        self._probabilities.extend(measurement.probabilities.tolist())
        self._scores.extend(measurement.scores.tolist())
        self._boxes.extend((box.x, box.y, box.width, box.height) if box is not None else _NOWHERE)
        self._lags.append(alignment.lag if alignment is not None else 0.0)
        self._weights.append(alignment.weight if alignment is not None else 0.0)
        self._flags.append(measurement.speech | measurement.audio << 1 | measurement.video << 2)
        self._overall = measurement.overall.copy()

    def result(self, *, timeline_fps: float | None, uncertain_below: float) -> Person:
        """This person's part of the result; needs at least one step."""
        flags = np.frombuffer(self._flags, np.uint8)
        scores = np.frombuffer(self._scores, np.float32).reshape(-1, len(LABELS))
        steps = np.frombuffer(self._steps, np.int32)
        kept = thin(steps, step_rate=STEP_RATE, fps=timeline_fps)
        weights = gather(attention_weights(scores, flags > 1), kept)
        return Person(
            id=self.id,
            summary=summarise(self._overall, _modalities(int(np.bitwise_or.reduce(flags))), uncertain_below),
            timeline=[self._timeline_step(row) for row in kept.tolist()],
            attention={
                label: [round(weight, 9) for weight in column]
                for label, column in zip(LABELS, weights.T.tolist(), strict=True)
            },
            alignment=[self._alignment_step(row) for row in kept.tolist()],
        )

    def _timeline_step(self, row: int) -> TimelineStep:
        flags = self._flags[row]
        return TimelineStep(
            time=self._steps[row] / STEP_RATE,
            box=self._box(row) if flags & 4 else None,
            probabilities=_by_label(self._probabilities[row * 7 : row * 7 + 7].tolist()),
            speech=bool(flags & 1),
            modalities=_modalities(flags),
        )

    def _box(self, row: int) -> BoxModel:
        x, y, width, height = (round(value, 5) for value in self._boxes[row * 4 : row * 4 + 4])
        return BoxModel(x=x, y=y, width=width, height=height)

    def _alignment_step(self, row: int) -> AlignmentStep | None:
        if not self._flags[row] & 2:
            return None
        return AlignmentStep(lag=round(self._lags[row], 2), weight=min(round(self._weights[row], 6), 1.0))


def summarise(overall: NDArray[np.float32], modalities: list[Modality], uncertain_below: float) -> Summary:
    """What a person expresses by the `overall` probabilities [7]; without modalities there is no evidence, no label."""
    if not modalities:
        return Summary(expressed=None, reason="no_evidence", probabilities=None, confidence=None, modalities=[])
    top = int(overall.argmax())
    confidence = min(round(float(overall[top]), 6), 1.0)
    certain = confidence >= uncertain_below
    return Summary(
        expressed=LABELS[top] if certain else "uncertain",
        reason=None if certain else "low_confidence",
        probabilities=_by_label(overall.tolist()),
        confidence=confidence,
        modalities=modalities,
    )


def _by_label(values: list[float]) -> dict[Label, float]:
    return {label: round(value, 6) for label, value in zip(LABELS, values, strict=True)}


def _modalities(flags: int) -> list[Modality]:
    found: list[Modality] = []
    if flags & 2:
        found.append("audio")
    if flags & 4:
        found.append("video")
    return found
