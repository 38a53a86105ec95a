"""All that a session gives a caller of the client, and whether two of them gave the same."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from live.comparing import assert_same_steps, assert_same_summaries, steps_of_stream
from live.script import Sent, send

from service.client import Session
from service.protocol.messages import ErrorMessage, Measurement, SessionSummary, UtteranceEnd, UtteranceStart
from service.representation import LABELS


@dataclass(frozen=True)
class Outcome:
    """All that a caller of the client got."""

    measurements: list[dict[str, Any]]
    utterances: list[dict[str, Any]]
    summary: SessionSummary
    attention: dict[int, np.ndarray]
    reconnections: int


async def outcome_of(
    session: Session, script: Iterable[Sent], come_to: Callable[[float], Awaitable[None]] | None = None
) -> Outcome:
    """Send the script, each part when `come_to` has returned for its media time, at full speed without that; and take
    all that comes back. Any error that the session ends with is raised."""
    reading = asyncio.create_task(_read(session))
    for sent in script:
        if come_to is not None:
            await come_to(sent.time)
        await send(session, sent)
    summary = await session.close()
    measurements, utterances = await reading
    attention = {
        person.id: np.array([session.attention(person.id)[label] for label in LABELS]).T for person in summary.people
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


def assert_nothing_lost(found: Outcome, wanted: Outcome, within: float) -> None:
    """Every measurement of every person once, in order, with the same numbers; the same utterances and summary."""
    assert_same_steps(steps_of_stream(found.measurements), steps_of_stream(wanted.measurements), within)
    assert [row["time"] for row in found.measurements] == [row["time"] for row in wanted.measurements]
    assert found.utterances == wanted.utterances
    assert found.summary.media == wanted.summary.media
    assert found.summary.speech == wanted.summary.speech
    assert_same_summaries(_people(found), _people(wanted), within)
    assert found.attention.keys() == wanted.attention.keys()
    for person, weights in wanted.attention.items():
        np.testing.assert_allclose(found.attention[person], weights, atol=within)


def _people(outcome: Outcome) -> list[dict[str, Any]]:
    return [person.model_dump() for person in outcome.summary.people]
