"""Live sessions through a balancer: all that comes back, and whether two of them got the same."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from balancing.recordings import Recording
from live.comparing import assert_same_steps, assert_same_summaries, steps_of_stream
from live.script import send

from service.client import Session, SessionUpdate, connect
from service.protocol.messages import (
    ErrorMessage,
    Measurement,
    SessionSummary,
    UtteranceEnd,
    UtteranceStart,
)
from service.representation import LABELS

WITHIN = 1e-5
"""What media as `frames` promises, wherever a session goes on."""


class Pace:
    """Holds a session's media back: so many seconds of media in a second, and the end not before `release`."""

    def __init__(self, speed: float, hold_at: float) -> None:
        """`hold_at`: media time at which everybody waits for the release."""
        self._speed = speed
        self._hold_at = hold_at
        self._began = time.monotonic()
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let the rest be sent at once."""
        self._released.set()

    async def come_to(self, media_time: float) -> None:
        """Return when media of this time may be sent."""
        due = None if media_time >= self._hold_at else self._began + media_time / self._speed - time.monotonic()
        try:
            await asyncio.wait_for(self._released.wait(), due)
        except TimeoutError:
            return


@dataclass(frozen=True)
class Outcome:
    """All that a caller of the client got."""

    measurements: list[dict[str, Any]]
    utterances: list[dict[str, Any]]
    summary: SessionSummary
    attention: dict[int, np.ndarray]
    reconnections: int


async def play(url: str, recording: Recording, pace: Pace | None = None) -> Outcome:
    """One session with this recording, at full speed without a pace. Any error that it ends with is raised."""
    async with connect(url, SessionUpdate(input="frames")) as session:
        reading = asyncio.create_task(_read(session))
        for sent in recording.sent:
            if pace is not None:
                await pace.come_to(sent.time)
            await send(session, sent)
        summary = await session.close()
        measurements, utterances = await reading
        attention = {
            person.id: np.array([session.attention(person.id)[label] for label in LABELS]).T
            for person in summary.people
        }
        return Outcome(measurements, utterances, summary, attention, session.reconnections)


async def _read(session: Session) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    measurements, utterances = [], []
    async for event in session:
        assert not isinstance(event, ErrorMessage), event
        if isinstance(event, Measurement):
            measurements.append(event.model_dump())
        elif isinstance(event, UtteranceStart | UtteranceEnd):
            utterances.append(event.model_dump(exclude={"people"}))
    return measurements, utterances


def assert_nothing_lost(found: Outcome, wanted: Outcome) -> None:
    """Every measurement of every person once, in order, with the same numbers; the same utterances and summary."""
    assert_same_steps(steps_of_stream(found.measurements), steps_of_stream(wanted.measurements), WITHIN)
    assert [row["time"] for row in found.measurements] == [row["time"] for row in wanted.measurements]
    assert found.utterances == wanted.utterances
    assert found.summary.media == wanted.summary.media
    assert found.summary.speech == wanted.summary.speech
    assert_same_summaries(_people(found), _people(wanted), WITHIN)
    assert found.attention.keys() == wanted.attention.keys()
    for person, weights in wanted.attention.items():
        np.testing.assert_allclose(found.attention[person], weights, atol=WITHIN)


def _people(outcome: Outcome) -> list[dict[str, Any]]:
    return [person.model_dump() for person in outcome.summary.people]
