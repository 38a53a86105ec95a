"""What a live session tells while it goes on, and its summary. Nothing here grows with the session but the number of
people, of whom there are at most `MAX_PEOPLE`; it takes some 200 bytes for each."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from service.analysis.snapshot import Arrays, prefixed, under
from service.analysis.utterances import Utterances
from service.domain import FrameCounts, MediaInfo, Step
from service.domain import Measurement as Measured
from service.errors import TooManyPeople
from service.protocol.messages import (
    Measurement,
    Normaliser,
    SessionConfig,
    SessionMedia,
    SessionPerson,
    SessionSpeech,
    SessionSummary,
    UtteranceEnd,
    UtteranceStart,
)
from service.representation import LABELS, STEP_RATE, Label
from service.timeline.attention import interval_of
from service.timeline.models import ModelInfo
from service.timeline.steps import (
    EVIDENCE,
    alignment_numbers,
    alignment_step,
    box_numbers,
    by_label,
    flags_of,
    step_fields,
    summarise,
)

MAX_PEOPLE: Final = 1000
"""People in one session, those who have left included."""

SessionEvent = Measurement | UtteranceStart | UtteranceEnd


@dataclass(slots=True)
class _Person:
    flags: int = 0
    """Of all steps, or'ed."""
    interval: int = -1
    """The last in which a measurement was given."""
    overall: NDArray[np.float32] = field(default_factory=lambda: np.zeros(len(LABELS), np.float32))
    largest: NDArray[np.float64] = field(default_factory=lambda: np.full(len(LABELS), -np.inf))
    """Of the scores of each emotion, over steps with evidence."""
    total: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(LABELS)))
    """Sum of exp(score - largest)."""

    def take(self, measured: Measured) -> None:
        """One step more (online softmax: Milakov and Gimelshein 2018, arXiv 1805.02867)."""
        flags = flags_of(measured)
        self.flags |= flags
        self.overall = measured.overall.copy()
        if flags & EVIDENCE:
            scores = measured.scores.astype(np.float64)
            largest = np.maximum(self.largest, scores)
            self.total = self.total * np.exp(self.largest - largest) + np.exp(scores - largest)
            self.largest = largest


class SessionTimeline:
    """Turns the measurements of one session into its messages. How steps are grouped changes nothing."""

    def __init__(self, config: SessionConfig, *, uncertain_below: float) -> None:
        """Of `config` it reads `interval`, `attention` and `alignment`."""
        self._config = config
        self._uncertain_below = uncertain_below
        self._people: dict[int, _Person] = {}
        self._utterances = Utterances(uncertain_below=uncertain_below)
        self._spoken = 0
        """Steps of speech that has paused."""
        self._speech: tuple[int, int] | None = None
        """First and last step of the latest speech."""

    @property
    def people(self) -> int:
        """People met so far."""
        return len(self._people)

    def push(
        self, steps: Sequence[Step], measured: Iterable[Measured], *, now: float | None = None
    ) -> Iterator[SessionEvent]:
        """The messages of `steps` and what was measured in them, in order. `now`, on the clock of `Step.arrived`, is
        when they leave. Run it to its end. Raises `TooManyPeople`."""
        waiting = iter(measured)
        one = next(waiting, None)
        for step in steps:
            self._hear(step)
            yield from self._utterances.hear(step.index, speech=step.speech)
            delay = max(0.0, now - step.arrived) if now is not None and step.arrived else None
            while one is not None and one.step == step.index:
                self._utterances.add(one)
                if one.person not in self._people:
                    if len(self._people) == MAX_PEOPLE:
                        raise TooManyPeople(f"More than {MAX_PEOPLE} people came into this session.")
                    self._people[one.person] = _Person()
                person = self._people[one.person]
                person.take(one)
                if self._is_due(person, one.step):
                    yield self._message(one, delay)
                one = next(waiting, None)

    def finish(self, info: MediaInfo) -> list[UtteranceEnd]:
        """The end of the utterance that the end of the media cuts short."""
        return self._utterances.finish(info.duration)

    def summary(
        self, model: ModelInfo, info: MediaInfo, frames: FrameCounts, baselines: Mapping[int, str]
    ) -> SessionSummary:
        """The whole session in one; `baselines` are the signed ones, by person."""
        return SessionSummary(
            model=model,
            media=SessionMedia(
                duration=round(info.duration, 6),
                frames=frames.received,
                measured=frames.measured,
                off_grid=frames.off_grid,
                dropped={"late": frames.late, "invalid": frames.invalid, "absent": frames.absent},
                width=info.width,
                height=info.height,
                has_audio=info.has_audio,
                has_video=info.has_video,
            ),
            speech=SessionSpeech(seconds=self._speech_seconds(info.duration)),
            people=[
                SessionPerson(
                    id=number,
                    summary=summarise(person.overall, person.flags, self._uncertain_below),
                    normaliser=self._normaliser(person),
                    baseline=baselines.get(number),
                )
                for number, person in sorted(self._people.items())
            ],
        )

    def state(self) -> Arrays:
        """All that is needed to go on, as arrays."""
        people = list(self._people.values())
        first, last = self._speech or (-1, -1)
        own: Arrays = {
            "speech": np.array([self._spoken, first, last], np.int64),
            "people": np.array(list(self._people), np.int32),
            "flags": np.array([person.flags for person in people], np.uint8),
            "interval": np.array([person.interval for person in people], np.int32),
            "overall": np.array([person.overall for person in people], np.float32),
            "largest": np.array([person.largest for person in people], np.float64),
            "total": np.array([person.total for person in people], np.float64),
        }
        return own | prefixed("utterance", self._utterances.state())

    def restore(self, state: Arrays) -> None:
        """Go on from `state`."""
        self._spoken, first, last = state["speech"].tolist()
        self._speech = (first, last) if last >= 0 else None
        columns = (state[name] for name in ("overall", "largest", "total"))
        rows = zip(state["flags"].tolist(), state["interval"].tolist(), *columns, strict=True)
        self._people = {number: _Person(*row) for number, row in zip(state["people"].tolist(), rows, strict=True)}
        self._utterances.restore(under("utterance", state))

    def _hear(self, step: Step) -> None:
        if not step.speech:
            return
        if self._speech is not None and self._speech[1] == step.index - 1:
            self._speech = (self._speech[0], step.index)
            return
        if self._speech is not None:
            self._spoken += self._speech[1] - max(self._speech[0] - 1, 0)
        self._speech = (step.index, step.index)

    def _speech_seconds(self, duration: float) -> float:
        """As the stretches of speech of an upload add up."""
        seconds = self._spoken / STEP_RATE
        if self._speech is not None:
            first, last = self._speech
            seconds += max(0.0, min(last / STEP_RATE, duration) - max(first - 1, 0) / STEP_RATE)
        return round(seconds, 6)

    def _is_due(self, person: _Person, step: int) -> bool:
        if self._config.interval * STEP_RATE <= 1:
            return True
        [interval] = interval_of(np.array([step], np.int32), step_rate=STEP_RATE, fps=1 / self._config.interval)
        due, person.interval = bool(interval != person.interval), int(interval)
        return due

    def _message(self, measured: Measured, delay: float | None) -> Measurement:
        flags = flags_of(measured)
        return Measurement(
            **step_fields(measured.step, flags, array("f", box_numbers(measured.box)), measured.probabilities.tolist()),
            id=measured.person,
            scores=by_label(measured.scores.tolist()) if self._config.attention else None,
            alignment=alignment_step(flags, *array("f", alignment_numbers(measured.alignment)))
            if self._config.alignment
            else None,
            delay=delay,
        )

    def _normaliser(self, person: _Person) -> dict[Label, Normaliser] | None:
        if not (self._config.attention and person.flags & EVIDENCE):
            return None
        return {
            label: Normaliser(m=m, l=total)
            for label, m, total in zip(LABELS, person.largest.tolist(), person.total.tolist(), strict=True)
        }
