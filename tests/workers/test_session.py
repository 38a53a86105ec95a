"""The service's end of a session, against a process that the test plays."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from builders import info, step

from service.domain import FrameCounts, ResumePoint, Step
from service.errors import WorkerFailed
from service.logs import about, note
from service.media import MediaLimits
from service.workers import Notice, SessionOptions
from service.workers.blackbox import Hand
from service.workers.codec import End, Failure, Report, encode
from service.workers.feed import CHUNK, END, MESSAGE, OPTIONS, RESUME, FeedReader, GivenUp, decode_resume, encode_frame
from service.workers.session import MAX_STEPS, ProcessLost, WorkerSession

PATIENCE = 180.0
REPORTS: list[Report] = []
"""What the sessions of these tests have reported."""
T = TypeVar("T")


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, within `PATIENCE`."""
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


@asynccontextmanager
async def talk(hang_seconds: float = PATIENCE) -> AsyncIterator[tuple[WorkerSession, socket.socket, list[str]]]:
    """A session whose other side is the test; the list fills when the session loses its trust."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    distrust: list[str] = []
    session = WorkerSession(
        ours,
        hang_seconds,
        on_close=lambda: None,
        on_distrust=distrust.append,
        on_hang=lambda: distrust.append("it hangs"),
        on_report=REPORTS.append,
    )
    with theirs:
        async with session:
            yield session, theirs, distrust


async def drain(session: WorkerSession, lists: list[list[Step]] | None = None) -> list[list[Step]]:
    """Every list of steps, also collected in `lists` for those who expect a failure."""
    lists = [] if lists is None else lists
    async for steps in session:
        assert isinstance(steps, list)
        lists.append(steps)
    return lists


def test_steps_come_in_lists_of_bounded_length() -> None:
    async def work() -> None:
        async with talk() as (session, process, _):
            frames = b"".join(encode(step(index)) for index in range(60))
            process.sendall(frames + encode(info(60)) + encode(End()))
            lists = await drain(session)
            assert [len(steps) for steps in lists] == [MAX_STEPS, MAX_STEPS, 10]
            assert session.info == info(60)

    finish(work())


@pytest.mark.parametrize(
    "nonsense",
    [
        struct.pack("<IB", 2**31, 1),
        encode(step(1)) + encode(step(0)),
        encode(End()),
        encode(info(1)) + encode(End()) + encode(step(0)),
    ],
)
def test_a_process_that_talks_nonsense_is_stopped(nonsense: bytes) -> None:
    async def work() -> None:
        async with talk() as (session, process, distrust):
            process.sendall(nonsense)
            with pytest.raises(WorkerFailed, match="failed"):
                await drain(session)
            assert distrust

    finish(work())


def test_steps_before_a_failure_are_handed_out_and_an_unknown_code_is_the_workers_failure() -> None:
    async def work() -> None:
        async with talk() as (session, process, _):
            process.sendall(encode(step(0)) + encode(Failure("gone_fishing", "far")))
            lists: list[list[Step]] = []
            with pytest.raises(WorkerFailed, match="far"):
                await drain(session, lists)
            assert len(lists) == 1

    finish(work())


def test_a_process_that_leaves_its_input_unread_counts_as_hung() -> None:
    async def work() -> None:
        async with talk(hang_seconds=0.1) as (session, _, distrust):
            await session.send(b"media")
            with pytest.raises(ProcessLost, match="no progress"):
                await drain(session)
            assert distrust == ["it hangs"]

    finish(work())


def test_a_process_that_goes_silent_after_the_end_counts_as_hung() -> None:
    async def work() -> None:
        async with talk(hang_seconds=0.1) as (session, process, distrust):
            await session.send(b"media")
            await session.end()
            assert process.recv(100) == encode_frame(CHUNK, b"media") + encode_frame(END)
            with pytest.raises(ProcessLost, match="no progress"):
                await drain(session)
            assert distrust == ["it hangs"]

    finish(work())


def test_a_process_that_waits_for_a_slow_upload_does_not_count_as_hung() -> None:
    async def work() -> None:
        async with talk(hang_seconds=0.05) as (session, process, distrust):
            await session.send(b"media")
            assert process.recv(100) == encode_frame(CHUNK, b"media")
            draining = asyncio.create_task(drain(session))
            deadline = time.monotonic() + 0.5  # ten times as long as a hang
            while time.monotonic() < deadline:
                await asyncio.sleep(0.05)
                assert not draining.done()
            process.sendall(encode(info(1)) + encode(End()))
            assert await draining == []
            assert not distrust

    finish(work())


def test_the_process_hears_what_is_asked_then_the_media_with_its_times_then_the_end() -> None:
    options = SessionOptions(MediaLimits(), "all", None)
    resume = ResumePoint(75, 7, 3, b'{"media": {}}')

    async def work() -> None:
        async with talk() as (session, process, _):
            await session.begin(options, resume)
            await session.send(b"chunk", arrived=12.5)
            await session.send(b"message", arrived=13.0, whole=True)
            await session.end()
            feed = FeedReader(process, Hand(bytearray(32), 0))
            frames = [feed.next() for _ in range(5)]
            assert [frame.kind for frame in frames] == [OPTIONS, RESUME, CHUNK, MESSAGE, END]
            assert SessionOptions.from_json(frames[0].payload) == replace(options, resumes=True)
            assert decode_resume(frames[1].payload) == resume
            assert [(frame.payload, frame.arrived) for frame in frames[2:4]] == [(b"chunk", 12.5), (b"message", 13.0)]
            session.close()
            with pytest.raises(GivenUp):
                feed.next()

    finish(work())


def test_notices_keep_their_place_among_the_steps_and_counts_are_the_newest() -> None:
    late = Notice("out_of_order", "It goes back.", 4)

    async def work() -> None:
        async with talk() as (session, process, _):
            process.sendall(
                encode(step(0)) + encode(FrameCounts(received=1)) + encode(late) + encode(step(1)) + encode(step(2))
            )
            process.sendall(encode(FrameCounts(received=3, measured=3)) + encode(info(3)) + encode(End()))
            got = [item async for item in session]
            assert [[step.index for step in item] if isinstance(item, list) else item for item in got] == [
                [0],
                late,
                [1, 2],
            ]
            assert session.counts == FrameCounts(received=3, measured=3)

    finish(work())


def test_reports_are_handed_on_as_they_come_and_added_up() -> None:
    reports = [Report(0.5, 0.25, 1.0, 25, 24, 25, 3), Report(0.0, 0.5, 0.25, 5, 0, 0, 0)]

    async def work() -> None:
        async with talk() as (session, process, _):
            REPORTS.clear()
            process.sendall(encode(step(0)) + encode(reports[0]) + encode(step(1)) + encode(reports[1]))
            process.sendall(encode(info(2)) + encode(End()))
            assert [len(steps) for steps in await drain(session)] == [2]
            assert reports == REPORTS
            assert (session.decode_seconds, session.perception_seconds) == (0.75, 1.25)

    finish(work())


def test_the_process_hears_what_its_log_lines_shall_carry() -> None:
    async def work() -> None:
        async with talk() as (session, process, _):
            with about(request="r-1"):
                note(session="s-1")
                await session.begin(SessionOptions(MediaLimits(), "all", None), None)
            assert SessionOptions.from_json(FeedReader(process, Hand(bytearray(32), 0)).expect(OPTIONS)).log_fields == {
                "request": "r-1",
                "session": "s-1",
            }

    finish(work())
