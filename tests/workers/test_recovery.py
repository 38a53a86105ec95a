"""Real decoding processes that are killed under several sessions: each goes on as if nothing had happened."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from workers.media import FRAMES, LIVE, UPLOAD, pieces_of
from workers.pools import eventually, finish, pool_of

from service.analysis import Analyser
from service.domain import Measurement, Step
from service.engine import Engine
from service.workers import DurableSession, SessionOptions, WorkerPool

KINDS = {
    "live webm": ("webm", LIVE),
    "live fragmented mp4": ("stream", LIVE),
    "live frames": ("frames", FRAMES),
    "live, two faces": ("couple", LIVE),
    "uploaded webm": ("webm", UPLOAD),
    "uploaded mp4, index last": ("mp4", UPLOAD),
}
SEEN = 60
"""Steps of half a recording, if not of the one whose index comes last: with two checkpoints among them."""


@dataclass
class Watched:
    """One session, what it gave, and how far it is fed."""

    name: str
    steps: list[Step] = field(default_factory=list)
    half: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when half of it has been sent."""
    rest: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the other half may be."""
    session: DurableSession | None = None

    @property
    def is_under_way(self) -> bool:
        return self.half.is_set() and (len(self.steps) >= SEEN or "index last" in self.name)

    @property
    def pid(self) -> int:
        assert self.session is not None
        return self.session.pid

    async def run(self, pool: WorkerPool) -> None:
        """Send all of it, and collect every step."""
        kind, options = KINDS[self.name]
        async with await pool.open_session(options) as self.session:
            feeding = asyncio.create_task(self._feed(self.session, pieces_of(kind), options))
            async for item in self.session:
                assert isinstance(item, list)
                self.steps += item
            await feeding

    async def _feed(self, session: DurableSession, pieces: list[bytes], options: SessionOptions) -> None:
        for number, piece in enumerate(pieces):
            if number == len(pieces) // 2:
                self.half.set()
                await self.rest.wait()
            await session.send(piece, arrived=time.monotonic() if options.live else 0.0)
        await session.end()


async def undisturbed(name: str, pool: WorkerPool) -> list[Step]:
    """The steps of a session that nothing happens to."""
    watched = Watched(name)
    watched.rest.set()
    await watched.run(pool)
    return watched.steps


def measured(engine: Engine, steps: list[Step]) -> list[Measurement]:
    return Analyser(engine).push(steps)


def assert_same_steps(found: list[Step], wanted: list[Step]) -> None:
    """Every step once, in order, with the same faces."""
    assert [step.index for step in found] == [step.index for step in wanted]
    assert [step.speech for step in found] == [step.speech for step in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert [face.track for face in one.faces] == [face.track for face in other.faces]
        assert all((a.crop == b.crop).all() and a.box == b.box for a, b in zip(one.faces, other.faces, strict=True))


def assert_same_numbers(ours: list[Measurement], theirs: list[Measurement]) -> None:
    assert [(one.person, one.step, one.speaking) for one in ours] == [
        (one.person, one.step, one.speaking) for one in theirs
    ]
    assert theirs
    difference = max(
        float(np.abs(one.probabilities - other.probabilities).max()) for one, other in zip(ours, theirs, strict=True)
    )
    assert difference <= 1e-5


@pytest.mark.parametrize("size", [1, 2])
def test_a_process_killed_from_outside_costs_its_sessions_nothing(engine: Engine, size: int) -> None:
    async def work() -> None:
        async with pool_of(size) as pool:
            wanted = {name: await undisturbed(name, pool) for name in KINDS}
            sessions = [Watched(name) for name in KINDS]
            running = [asyncio.create_task(one.run(pool)) for one in sessions]
            await eventually(lambda: all(one.is_under_way for one in sessions))
            victim = pool.pids[0]
            homes = {one.name: one.pid for one in sessions}
            os.kill(victim, signal.SIGKILL)
            for one in sessions:
                one.rest.set()
            await asyncio.gather(*running)
            assert victim in homes.values()
            for one in sessions:
                assert (one.pid == homes[one.name]) == (homes[one.name] != victim), "only those of the victim move"
                assert_same_steps(one.steps, wanted[one.name])
                assert_same_numbers(measured(engine, one.steps), measured(engine, wanted[one.name]))

    finish(work())
