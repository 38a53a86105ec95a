"""What a session has received so far: nothing is handed out twice, and the attention can be computed in the end."""

from array import array
from collections.abc import Mapping

import numpy as np

from service.client.inbox import Event
from service.protocol.attention import attention
from service.protocol.messages import (
    ErrorMessage,
    FramesDropped,
    Measurement,
    Normaliser,
    UtteranceEnd,
    UtteranceStart,
)
from service.representation import LABELS, STEP_RATE, Label


class Ledger:
    """Tells what is new after a resumption, and keeps the scores of every measurement (some 70 bytes each)."""

    def __init__(self) -> None:
        self._step = -1
        self._at_step: set[int] = set()
        """The last step measured, and the people measured at it."""
        self._began = -1.0
        self._ended = -1.0
        """Starts of the last utterances that began and ended."""
        self._dropped = 0
        self._errors: set[tuple[int, str]] = set()
        self.people: dict[int, Scores] = {}

    def is_new(self, event: Event) -> bool:
        """Whether `event` was not received before; notes that it was."""
        match event:
            case Measurement():
                return self._is_new_measurement(event)
            case UtteranceStart():
                new, self._began = event.start > self._began, max(event.start, self._began)
            case UtteranceEnd():
                new, self._ended = event.start > self._ended, max(event.start, self._ended)
            case FramesDropped():
                count = sum(event.dropped.values())
                new, self._dropped = count > self._dropped, max(count, self._dropped)
            case ErrorMessage(sequence=int(sequence)):
                new = (sequence, event.code) not in self._errors
                self._errors.add((sequence, event.code))
            case _:
                return True
        return new

    def forget(self, sequence: int) -> None:
        """Messages before `sequence` will not be sent again."""
        self._errors = {error for error in self._errors if error[0] >= sequence}

    def _is_new_measurement(self, measurement: Measurement) -> bool:
        step = round(measurement.time * STEP_RATE)
        if step < self._step or (step == self._step and measurement.id in self._at_step):
            return False
        if step > self._step:
            self._step, self._at_step = step, set()
        self._at_step.add(measurement.id)
        if measurement.scores is not None:
            scores = self.people.setdefault(measurement.id, Scores())
            scores.add(measurement.scores, evident=bool(measurement.modalities))
        return True


class Scores:
    """One person's attention scores, a row for each measurement."""

    def __init__(self) -> None:
        self._scores = array("d")
        self._evidence = bytearray()

    def add(self, scores: Mapping[Label, float], *, evident: bool) -> None:
        """Append the scores of the next measurement, and whether it rests on any evidence."""
        self._scores.extend(scores[label] for label in LABELS)
        self._evidence.append(evident)

    def attention(self, normaliser: Mapping[Label, Normaliser]) -> dict[Label, list[float]]:
        """Per emotion, one weight for each measurement, summing to 1."""
        return attention(np.array(self._scores), np.array(self._evidence, dtype=np.bool_), normaliser)
