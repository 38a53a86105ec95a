"""Utterances of a live session and what each person expressed in them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.analysis.snapshot import Arrays
from service.domain import Measurement
from service.protocol.messages import PersonSummary, UtteranceEnd, UtteranceStart
from service.representation import LABELS, STEP_RATE
from service.timeline.steps import EVIDENCE, flags_of, summarise

PAUSE = 0.5
"""Seconds without speech after which an utterance has ended."""

_PAUSE_STEPS = PAUSE * STEP_RATE


def _nothing() -> NDArray[np.float64]:
    return np.zeros(len(LABELS) + 1)


@dataclass(slots=True)
class _Part:
    """One person in the open utterance."""

    sums: NDArray[np.float64] = field(default_factory=_nothing)
    """Of the probabilities of the steps with evidence, then how many they are."""
    flags: int = 0
    pause: NDArray[np.float64] = field(default_factory=_nothing)
    """The same since the last speech: it counts if speech goes on."""
    pause_flags: int = 0


class Utterances:
    """Speech of anyone, with pauses of up to `PAUSE` seconds. A person's result over an utterance is the mean of the
    timeline's probabilities over its steps with evidence of that person."""

    def __init__(self, *, uncertain_below: float) -> None:
        self._uncertain_below = uncertain_below
        self._first = self._last = -1
        """First and last step of speech of the open utterance; -1 while there is none."""
        self._parts: dict[int, _Part] = {}

    def hear(self, step: int, *, speech: bool) -> list[UtteranceStart | UtteranceEnd]:
        """What `step` ends and begins. Call with steps in order, before `add`."""
        events: list[UtteranceStart | UtteranceEnd] = []
        if self._last >= 0 and step - self._last > _PAUSE_STEPS:
            events.append(self._end(_time(self._last)))
        if speech:
            if self._last < 0:
                self._first = step
                events.append(UtteranceStart(start=_time(step - 1)))
            self._last = step
            for part in self._parts.values():
                part.sums += part.pause
                part.flags |= part.pause_flags
                part.pause, part.pause_flags = _nothing(), 0
        return events

    def add(self, measurement: Measurement) -> None:
        """Take one person's part in the step last heard."""
        flags = flags_of(measurement)
        if self._last < 0 or not flags & EVIDENCE:
            return
        if measurement.person not in self._parts:
            self._parts[measurement.person] = _Part()
        part = self._parts[measurement.person]
        row = np.append(measurement.probabilities, 1.0)
        if measurement.step == self._last:
            part.sums += row
            part.flags |= flags
        else:
            part.pause += row
            part.pause_flags |= flags

    def finish(self, duration: float) -> list[UtteranceEnd]:
        """The end of an utterance that is open when the media of `duration` seconds ends."""
        return [self._end(min(_time(self._last), duration))] if self._last >= 0 else []

    def state(self) -> Arrays:
        """All that is needed to go on, as arrays; some 150 bytes for each person in an open utterance."""
        parts = list(self._parts.values())
        return {
            "open": np.array([self._first, self._last], np.int64),
            "people": np.array(list(self._parts), np.int32),
            "sums": np.array([[part.sums, part.pause] for part in parts]).reshape(-1, 2, len(LABELS) + 1),
            "flags": np.array([[part.flags, part.pause_flags] for part in parts], np.uint8).reshape(-1, 2),
        }

    def restore(self, state: Arrays) -> None:
        """Go on from `state`."""
        self._first, self._last = state["open"].tolist()
        self._parts = {
            person: _Part(sums[0].copy(), flags[0], sums[1].copy(), flags[1])
            for person, sums, flags in zip(
                state["people"].tolist(), state["sums"].astype(np.float64), state["flags"].tolist(), strict=True
            )
        }

    def _end(self, end: float) -> UtteranceEnd:
        people = [
            PersonSummary(
                id=person, summary=summarise(part.sums[:-1] / part.sums[-1], part.flags, self._uncertain_below)
            )
            for person, part in sorted(self._parts.items())
            if part.sums[-1]
        ]
        start = _time(self._first - 1)
        self._first = self._last = -1
        self._parts = {}
        return UtteranceEnd(start=start, end=max(start, end), people=people)


def _time(step: int) -> float:
    # Step k hears the 40 ms that end at its time.
    return max(step, 0) / STEP_RATE
