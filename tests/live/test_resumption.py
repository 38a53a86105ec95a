"""Replicas die in mid-sentence, and nobody can tell from the results."""

import asyncio
import io
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from api.harness import PATIENCE
from live.outcomes import Outcome, assert_nothing_lost, outcome_of
from live.replicas import Replica, replicas
from live.script import Sent
from live.streaming import png

from benchmarks.webm import LoopedRecording
from service.client import SessionUpdate, connect
from service.domain import Picture
from service.media import decode
from service.representation import SAMPLE_RATE, STEP_RATE

Way = Literal["container", "frames"]

WITHIN: dict[Way, float] = {"frames": 1e-5, "container": 1e-3}
"""An Opus decoder that starts anew converges, it is not bit-exact."""

_LOOP = 5.0
_PIECE = 0.1


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
    """A session with the script, in real time if there is a killer."""
    async with asyncio.timeout(2 * PATIENCE + script[-1].time), connect(urls, SessionUpdate(input=way)) as session:
        return await outcome_of(session, script, None if killer is None else killer.come_to)


class Killer:
    """Holds a session's media back to real time; kills the replicas in turn, each a random moment after a given media
    time, and starts them again."""

    def __init__(self, pair: list[Replica], times: list[float], dice: random.Random) -> None:
        self._pair = pair
        self._times = times
        self._dice = dice
        self._killing: asyncio.Task[None] | None = None
        self._began: float | None = None
        self.kills = 0

    async def come_to(self, media_time: float) -> None:
        """Return when media of this time is due, which is later by the seconds that kills had to wait for."""
        if self._began is None:
            self._began = time.monotonic()
        self._began += await self._kill_in_time(media_time)
        await asyncio.sleep(max(0.0, self._began + media_time - time.monotonic()))

    async def _kill_in_time(self, media_time: float) -> float:
        """Begin a kill that is due; seconds that it waited until the replica that is left was ready."""
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


def _assert_kills_lose_nothing(
    pair: list[Replica], recording: LoopedRecording, way: Way, seconds: float, kills: int
) -> None:
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
    assert_nothing_lost(found, wanted, WITHIN[way])
    media = found.summary.media
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())
    assert found.attention
    for weights in wanted.attention.values():
        np.testing.assert_allclose(weights.sum(axis=0), 1.0, atol=1e-6)


@pytest.mark.parametrize("way", ["frames", "container"])
def test_a_session_of_ten_seconds_outlives_two_replicas_that_die(
    pair: list[Replica], recording: LoopedRecording, way: Way
) -> None:
    _assert_kills_lose_nothing(pair, recording, way, seconds=10, kills=2)


@pytest.mark.stress
@pytest.mark.parametrize("way", ["frames", "container"])
def test_a_session_of_a_minute_outlives_ten_replicas_that_die(
    pair: list[Replica], recording: LoopedRecording, way: Way
) -> None:
    _assert_kills_lose_nothing(pair, recording, way, seconds=60, kills=10)
