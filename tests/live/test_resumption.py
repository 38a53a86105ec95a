"""Replicas die in mid-sentence, and nobody can tell from the results."""

import asyncio
import io
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from api.harness import PATIENCE
from live.comparing import assert_same_steps, assert_same_summaries, steps_of_stream
from live.replicas import Replica, replicas
from live.script import Sent, send
from live.streaming import png

from benchmarks.webm import LoopedRecording
from service.client import Session, SessionUpdate, connect
from service.domain import Picture
from service.media import decode
from service.protocol.messages import ErrorMessage, Measurement, SessionSummary
from service.representation import LABELS, SAMPLE_RATE, STEP_RATE

Way = Literal["container", "frames"]

WITHIN: dict[Way, float] = {"frames": 1e-5, "container": 1e-3}
"""An Opus decoder that starts anew converges, it is not bit-exact."""

_LOOP = 5.0
_PIECE = 0.1


@dataclass(frozen=True)
class Outcome:
    """All that a caller of the client got."""

    measurements: list[dict[str, Any]]
    summary: SessionSummary
    attention: dict[int, np.ndarray]
    reconnections: int


@pytest.fixture(scope="module")
def recording(sample: Path) -> LoopedRecording:
    return LoopedRecording(sample, _LOOP, size=(320, 240))


@pytest.fixture(scope="module")
def pair() -> Iterator[list[Replica]]:
    with replicas(2) as both:
        yield both


def _script(recording: LoopedRecording, way: Way, seconds: float) -> list[Sent]:
    pieces = list(recording.pieces(seconds, _PIECE))
    if way == "container":
        return [Sent(piece.time, "chunk", piece.data) for piece in pieces]
    script = []
    with decode(io.BytesIO(b"".join(piece.data for piece in pieces))) as media:
        for item in media:
            if isinstance(item, Picture):
                assert item.image is not None
                script.append(Sent(item.step / STEP_RATE, "picture", png(item.image)))
            else:
                samples = np.round(item.samples * 32768).astype("<i2").tobytes()
                script.append(Sent(item.start / SAMPLE_RATE, "sound", samples))
    return script


async def _play(urls: list[str], way: Way, script: list[Sent], killer: "Killer | None" = None) -> Outcome:
    """Send the script, in real time if there is a killer, and take everything that comes back."""
    async with asyncio.timeout(2 * PATIENCE + script[-1].time), connect(urls, SessionUpdate(input=way)) as session:
        reading = asyncio.create_task(_read(session))
        began = time.monotonic()
        for sent in script:
            if killer is not None:
                began += await killer.come_to(sent.time)
                await asyncio.sleep(max(0.0, began + sent.time - time.monotonic()))
            await send(session, sent)
        summary = await session.close()
        measurements = await reading
        attention = {
            person.id: np.array([session.attention(person.id)[label] for label in LABELS]).T
            for person in summary.people
        }
        return Outcome(measurements, summary, attention, session.reconnections)


async def _read(session: Session) -> list[dict[str, Any]]:
    measurements = []
    async for event in session:
        assert not isinstance(event, ErrorMessage), event
        if isinstance(event, Measurement):
            measurements.append(event.model_dump())
    return measurements


class Killer:
    """Kills the replicas in turn, each a random moment after a given media time, and starts them again."""

    def __init__(self, pair: list[Replica], times: list[float], dice: random.Random) -> None:
        self._pair = pair
        self._times = times
        self._dice = dice
        self._killing: asyncio.Task[None] | None = None
        self.kills = 0

    async def come_to(self, media_time: float) -> float:
        """Seconds that the script has to pause: before a kill, until the replica that is left is ready."""
        if self.kills == len(self._times) or media_time < self._times[self.kills]:
            return 0.0
        began = time.monotonic()
        if self._killing is not None:
            await self._killing
        victim, other = self._pair[self.kills % 2], self._pair[1 - self.kills % 2]
        await asyncio.to_thread(other.wait_until_ready)
        self._killing = asyncio.create_task(self._kill(victim, self._dice.uniform(0.0, 0.6)))
        self.kills += 1
        return time.monotonic() - began

    async def _kill(self, victim: Replica, after: float) -> None:
        await asyncio.sleep(after)
        await asyncio.to_thread(victim.kill)
        victim.start()


def _assert_nothing_lost(pair: list[Replica], recording: LoopedRecording, way: Way, seconds: float, kills: int) -> None:
    script = _script(recording, way, seconds)
    for replica in pair:
        replica.wait_until_ready()
    urls = [replica.url for replica in pair]
    wanted = asyncio.run(_play(urls, way, script))
    assert wanted.reconnections == 0
    seed = random.randrange(2**32)  # noqa: S311  (nothing secret)
    print(f"seed {seed}")  # noqa: T201  (shown when the test fails)
    dice = random.Random(seed)  # noqa: S311
    slot = seconds / kills
    killer = Killer(pair, [slot * (number + dice.uniform(0.2, 0.8)) for number in range(kills)], dice)
    found = asyncio.run(_play(urls, way, script, killer))
    assert killer.kills == kills
    assert found.reconnections >= kills
    assert_same_steps(steps_of_stream(found.measurements), steps_of_stream(wanted.measurements), WITHIN[way])
    assert [row["time"] for row in found.measurements] == [row["time"] for row in wanted.measurements]
    assert found.summary.media == wanted.summary.media
    media = found.summary.media
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())
    assert found.summary.speech == wanted.summary.speech
    assert_same_summaries(_people(found), _people(wanted), WITHIN[way])
    assert found.attention.keys() == wanted.attention.keys()
    assert found.attention
    for person, weights in wanted.attention.items():
        np.testing.assert_allclose(found.attention[person], weights, atol=WITHIN[way])
        np.testing.assert_allclose(weights.sum(axis=0), 1.0, atol=1e-6)


def _people(outcome: Outcome) -> list[dict[str, Any]]:
    return [person.model_dump() for person in outcome.summary.people]


@pytest.mark.parametrize("way", ["frames", "container"])
def test_a_session_of_ten_seconds_outlives_two_replicas_that_die(
    pair: list[Replica], recording: LoopedRecording, way: Way
) -> None:
    _assert_nothing_lost(pair, recording, way, seconds=10, kills=2)


@pytest.mark.stress
@pytest.mark.parametrize("way", ["frames", "container"])
def test_a_session_of_a_minute_outlives_ten_replicas_that_die(
    pair: list[Replica], recording: LoopedRecording, way: Way
) -> None:
    _assert_nothing_lost(pair, recording, way, seconds=60, kills=10)
