"""Media that end, hang or bloat the real process that decodes them: they alone pay for it."""

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from workers.hostile_child import piece
from workers.media import LIVE, pieces_of
from workers.pools import PATIENCE, SETTINGS, eventually, finish, pool_of
from workers.test_recovery import Watched, assert_same_steps, undisturbed

from service.domain import Step
from service.errors import WorkerFailed
from service.workers import WorkerPool, WorkerSettings

NEIGHBOURS = ("live webm", "uploaded mp4, index last")
HANG_SECONDS = 2.0


Wanted = dict[str, list[Step]]


@pytest.fixture(scope="module")
def wanted() -> Wanted:
    """What the neighbours give where nothing happens."""

    async def work() -> Wanted:
        async with pool_of(1) as pool:
            return {name: await undisturbed(name, pool) for name in NEIGHBOURS}

    return finish(work())


@pytest.fixture
def tally(tmp_path: Path) -> Path:
    """Where hostile processes write down what they did."""
    return tmp_path / "tally"


def done(tally: Path) -> list[str]:
    return tally.read_text().splitlines()


@pytest.fixture
def hostile(tally: Path) -> WorkerSettings:
    """Processes that some media set off."""
    child = Path(__file__).with_name("hostile_child.py")
    return replace(SETTINGS, hang_seconds=HANG_SECONDS, command=(sys.executable, str(child), str(tally)))


async def send_poison(pool: WorkerPool, *deeds: str) -> str:
    """Send a quarter of a recording and then what sets a process off; why the session ended."""
    pieces = pieces_of("webm")
    at = len(pieces) // 4
    async with await pool.open_session(LIVE) as session:

        async def feed() -> None:
            for one in (*pieces[:at], *map(piece, deeds), *pieces[at:]):
                await session.send(one)
            await session.end()

        feeding = asyncio.create_task(feed())
        try:
            async for _ in session:
                pass
        except WorkerFailed as error:
            return error.detail
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
    return ""


async def with_neighbours(pool: WorkerPool, wanted: Wanted, *poisons: tuple[str, ...]) -> list[str]:
    """Why sessions with these poisons ended, when others on the same process are in their midst; those must not notice
    anything."""
    neighbours = [Watched(name) for name in NEIGHBOURS]
    running = [asyncio.create_task(one.run(pool)) for one in neighbours]
    await eventually(lambda: all(one.is_under_way for one in neighbours))
    poisoning = [asyncio.create_task(send_poison(pool, *deeds)) for deeds in poisons]
    for one in neighbours[1:]:
        one.rest.set()
    reasons = await asyncio.gather(*poisoning)
    neighbours[0].rest.set()
    await asyncio.gather(*running)
    for one in neighbours:
        assert_same_steps(one.steps, wanted[one.name])
    return list(reasons)


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("crash", r"crashed \(SIGSEGV\)"),
        ("abort", r"crashed \(SIGABRT\)"),
        ("hang", "no progress"),
        ("exhaust", "more memory"),
        ("babble", "frame of kind"),
    ],
)
def test_whose_media_are_known_to_end_a_process_ends_alone_and_at_once(
    wanted: Wanted, hostile: WorkerSettings, tally: Path, deed: str, reason: str
) -> None:
    async def work() -> None:
        async with pool_of(1, hostile) as pool:
            [found] = await with_neighbours(pool, wanted, (deed,))
            assert re.search(reason, found), found

    finish(work())
    assert done(tally) == [deed]


@pytest.mark.parametrize("deed", ["kill", "crash elsewhere"])
def test_media_that_end_every_process_without_a_trace_end_alone(
    wanted: Wanted, hostile: WorkerSettings, tally: Path, deed: str
) -> None:
    async def work() -> None:
        async with pool_of(1, hostile) as pool:
            [reason] = await with_neighbours(pool, wanted, (deed,))
            assert "more than once" in reason

    finish(work())
    # Twice where nobody else had bytes in hand, three times where others had, and once more for each of them that had
    # not been struck before, or was at the same place too.
    assert 2 <= len(done(tally)) <= 6


def test_media_that_stop_all_threads_end_and_the_others_go_on(
    wanted: Wanted, hostile: WorkerSettings, tally: Path
) -> None:
    async def work() -> None:
        async with pool_of(1, hostile) as pool:
            [reason] = await with_neighbours(pool, wanted, ("hang all",))
            assert reason

    finish(work())
    assert len(done(tally)) <= 6


def test_of_several_suspects_the_culprits_alone_end(hostile: WorkerSettings, tally: Path) -> None:
    async def work() -> None:
        async with pool_of(1, hostile) as pool:
            # The innocent one is slow over a piece, so that it has bytes in hand whenever the process ends.
            poisons = (("kill",), ("nap",), ("kill",))
            reasons = await asyncio.gather(*(send_poison(pool, *deeds) for deeds in poisons))
            assert ["more than once" in reason for reason in reasons] == [True, False, True]
            assert reasons[1] == ""

    finish(work())
    assert 3 <= done(tally).count("kill") <= 12  # each six at most


@pytest.mark.parametrize("deed", ["once kill", "once bloat", "once hang all"])
def test_what_happens_once_costs_nobody_anything(
    wanted: Wanted, hostile: WorkerSettings, tally: Path, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.workers.slot._LOOK_SECONDS", 0.1)

    async def work() -> None:
        # The bound on address space is twice that on memory held: the former is not reached.
        settings = replace(hostile, memory_bytes=3 * 2**30, hang_seconds=HANG_SECONDS if "hang" in deed else PATIENCE)
        async with pool_of(1, settings) as pool:
            [reason] = await with_neighbours(pool, wanted, (deed,))
            assert reason == ""

    finish(work())
    assert done(tally) == [deed]


def test_sessions_on_another_process_notice_nothing(wanted: Wanted, hostile: WorkerSettings) -> None:
    async def work() -> None:
        async with pool_of(2, hostile) as pool:
            bystander = Watched("live webm")
            running = asyncio.create_task(bystander.run(pool))
            await eventually(lambda: bystander.is_under_way)
            home = bystander.pid
            assert "more than once" in await send_poison(pool, "kill")
            bystander.rest.set()
            await running
            assert bystander.pid == home
            assert_same_steps(bystander.steps, wanted["live webm"])

    finish(work())
