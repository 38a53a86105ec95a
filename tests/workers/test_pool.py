"""Real decoding processes: what they are started with, how they fail, and that they end."""

import asyncio
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from media.clips import Clip, write_clip
from workers.pools import SETTINGS, decode, eventually, finish, pool_of
from workers.processes import is_running, open_pairs, open_sockets

from service.domain import Step
from service.errors import Unavailable, UnsupportedMedia, WorkerFailed
from service.media import MediaLimits
from service.workers import Report, SessionOptions, WorkerPool
from service.workers.process import WorkerProcess, environment

OPTIONS = SessionOptions(MediaLimits(), "all", None)


@contextmanager
def descriptors_left(count: int) -> Iterator[None]:
    """Let this process open `count` descriptors and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(2) for _ in range(count + 1)]
    for descriptor in free:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def alarm() -> Iterator[None]:
    """Fail, rather than wait for ever, if the block never gives way to the event loop."""

    def ring(*_: object) -> None:
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(30)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def film() -> bytes:
    return write_clip(Clip(seconds=1.0, muxer={"movflags": "faststart"}))


def test_steps_and_info_come_back_and_processes_end_with_the_pool(film: bytes) -> None:
    async def work() -> list[int]:
        async with pool_of(2) as pool:
            async with await pool.open_session(OPTIONS) as session:
                steps = await decode(session, film)
                assert [step.index for step in steps] == list(range(len(steps)))
                assert len(steps) >= 25
                assert session.info is not None
                assert session.info.frames == 25
            return pool.pids

    assert not any(map(is_running, finish(work())))


def test_a_process_reports_where_its_time_went_and_what_it_saw(film: bytes) -> None:
    told: list[tuple[SessionOptions, Report]] = []

    async def work() -> tuple[list[Step], float]:
        pool = WorkerPool(1, SETTINGS, on_report=lambda *report: told.append(report))
        await pool.start()
        began = time.monotonic()
        try:
            async with await pool.open_session(OPTIONS) as session:
                return await decode(session, film), time.monotonic() - began
        finally:
            await pool.close()

    steps, seconds = finish(work())
    assert all(options == OPTIONS for options, _ in told)
    reports = [report for _, report in told]
    assert len(reports) == -(-len(steps) // 25), "one for each second of media"
    assert sum(report.video_steps for report in reports) == len(steps)
    assert sum(report.sound_steps for report in reports) == sum(step.mel is not None for step in steps)
    assert sum(report.speech_steps for report in reports) == sum(step.speech for step in steps)
    assert sum(report.face_steps for report in reports) == sum(bool(step.faces) for step in steps)
    assert all(report.decode > 0 for report in reports[:1])
    assert all(report.perception > 0 for report in reports)
    assert all(report.queue == 0 for report in reports), "nobody noted when an upload's bytes arrived"
    assert sum(report.decode + report.perception for report in reports) < seconds


def test_sessions_go_to_the_process_with_the_fewest() -> None:
    async def work() -> None:
        async with pool_of(2) as pool:
            for _ in range(2):
                async with await pool.open_session(OPTIONS) as one, await pool.open_session(OPTIONS) as other:
                    assert {one.pid, other.pid} == set(pool.pids)

    finish(work())


def test_the_error_of_the_decoder_arrives_with_its_code_before_the_input_ends() -> None:
    async def work() -> None:
        async with pool_of(1) as pool, await pool.open_session(OPTIONS) as session:

            async def feed() -> None:
                while True:  # an upload that never ends
                    await session.send(b"no film " * 1000)
                    await asyncio.sleep(0)

            feeding = asyncio.create_task(feed())
            with pytest.raises(UnsupportedMedia):
                async for _ in session:
                    pass
            feeding.cancel()

    finish(work())


def test_a_process_holds_nothing_of_a_session_that_was_given_up(film: bytes) -> None:
    async def work() -> None:
        async with pool_of(1) as pool:
            [pid] = pool.pids
            async with await pool.open_session(OPTIONS) as session:
                await decode(session, film)
            before = len(open_sockets(pid))
            for _ in range(5):
                async with await pool.open_session(OPTIONS) as session:
                    await session.send(film[: len(film) // 2])
            await eventually(lambda: len(open_sockets(pid)) <= before)

    finish(work())


def test_a_process_ends_when_the_service_is_killed() -> None:
    code = (
        "import asyncio, sys; from service.workers import WorkerPool, WorkerSettings\n"
        "async def main():\n"
        "    pool = WorkerPool(1, WorkerSettings(hang_seconds=9, memory_bytes=8 * 2**30))\n"
        "    await pool.start(); print(pool.pids[0], flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )

    async def work() -> None:
        service = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", code, stdout=asyncio.subprocess.PIPE)
        assert service.stdout is not None
        pid = int(await service.stdout.readline())
        assert is_running(pid)
        service.kill()
        await service.wait()
        await eventually(lambda: not is_running(pid))

    finish(work())


def test_a_process_gets_no_secrets_and_no_descriptor_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    assert "SECRET_TOKEN" not in environment()

    async def work() -> None:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.set_inheritable(True)
            async with pool_of(1) as pool:
                [pid] = pool.pids
                assert b"SECRET_TOKEN" not in Path(f"/proc/{pid}/environ").read_bytes()  # noqa: ASYNC240
                assert len(open_sockets(pid)) == 1
                assert set(open_sockets(pid)).isdisjoint(open_sockets(os.getpid()))

    finish(work())


def test_a_session_without_a_descriptor_for_it_is_refused_and_the_next_one_runs(film: bytes) -> None:
    async def work() -> None:
        async with pool_of(1) as pool:
            pids = pool.pids
            with descriptors_left(1), alarm(), pytest.raises(Unavailable) as caught:
                await pool.open_session(OPTIONS)
            assert caught.value.retry_after
            async with await pool.open_session(OPTIONS) as session:
                assert await decode(session, film)
            assert pool.pids == pids

    finish(work())


@pytest.mark.parametrize("left", [0, 1, 3])  # none for the black box; for the control socket; for the process
def test_a_process_without_descriptors_for_it_does_not_start_and_leaves_none_open(left: int) -> None:
    async def work() -> None:
        before = open_pairs(os.getpid())  # no other sockets: those of services of other tests may close meanwhile
        with descriptors_left(left), pytest.raises(WorkerFailed, match="could not be started"):
            await WorkerProcess.start(SETTINGS)
        assert open_pairs(os.getpid()) == before

    finish(work())


@pytest.mark.parametrize("message", ["nonsense", "[]", "{}", '{"ready": false}'])
def test_a_process_that_says_nonsense_when_it_should_be_ready_has_failed(tmp_path: Path, message: str) -> None:
    child = tmp_path / "child"
    said = f"os.write(json.loads(sys.argv[1])['control'], {message.encode()!r})"
    child.write_text(f"#!{sys.executable}\nimport json, os, sys\n{said}\n")
    child.chmod(0o700)
    with pytest.raises(WorkerFailed, match="did not say"):
        finish(WorkerProcess.start(replace(SETTINGS, command=(str(child),))))


def test_a_process_that_could_not_be_replaced_at_first_is_replaced_later(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with pool_of(1) as pool:
            [victim] = pool.pids
            with descriptors_left(0):
                os.kill(victim, signal.SIGKILL)
                await eventually(lambda: "did not start" in caplog.text)
            await eventually(lambda: len(pool.pids) == 1)
            assert pool.pids != [victim]

    finish(work())
