"""What is known of a session while it goes on: everything that the terminal shows."""

from service.cli.watch_moments import Attended, Moments
from service.protocol.messages import FramesDropped, Measurement, SessionSummary, UtteranceEnd, UtteranceStart
from service.representation import LABELS, Label

GONE = 2.0
"""Seconds of media after which somebody who is measured no more is not shown any more."""

_SMOOTH = 0.1
"""Weight of the newest delay in the one shown."""


class PersonState:
    """One person so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.latest: Measurement | None = None
        self._sums: dict[Label, float] = dict.fromkeys(LABELS, 0.0)
        self._moments = Moments()

    def add(self, measurement: Measurement) -> None:
        """Note the next measurement."""
        self.latest = measurement
        self._moments.add(measurement)
        if measurement.modalities:
            for label, probability in measurement.probabilities.items():
                self._sums[label] += probability

    @property
    def leading(self) -> Label | None:
        """The emotion most probable over the session so far; None without evidence."""
        label = max(LABELS, key=lambda one: self._sums[one])
        return label if self._sums[label] else None

    @property
    def moments(self) -> list[Attended]:
        """The moments most attended for the leading emotion, in order of time."""
        return self._moments.of(self.leading) if self.leading else []


class SessionState:
    """A session so far. Memory grows with the people alone."""

    def __init__(self) -> None:
        self.people: dict[int, PersonState] = {}
        self.seconds = 0.0
        self.speech = False
        self.delay: float | None = None
        """Seconds from the arrival of media to its measurement, smoothed."""
        self.dropped = 0
        self.note = ""
        """What else there is to say: a microphone that is missing, a connection that was lost."""
        self.summary: SessionSummary | None = None

    def add(self, event: object) -> None:
        """Note what a session says; what is of no interest here is passed over."""
        match event:
            case Measurement():
                self.people.setdefault(event.id, PersonState(event.id)).add(event)
                self.seconds, self.speech = event.time, event.speech
                if event.delay is not None:
                    before = event.delay if self.delay is None else self.delay
                    self.delay = before + _SMOOTH * (event.delay - before)
            case UtteranceStart():
                self.speech = True
            case UtteranceEnd():
                self.speech = False
            case FramesDropped():
                self.dropped = sum(event.dropped.values())
            case SessionSummary():
                self.summary = event

    @property
    def on_show(self) -> list[PersonState]:
        """Everyone measured lately, by number."""
        return [
            person
            for _, person in sorted(self.people.items())
            if person.latest is not None and self.seconds - person.latest.time <= GONE
        ]
