"""A provider that fails in mid-run: onnxruntime itself raises, once, for some seconds, or for ever."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnxruntime as ort
import pytest
from api.harness import PATIENCE, Running, run, wait_until
from api.talking import talk
from live.comparing import assert_same_steps, steps_of_stream, steps_of_upload

from benchmarks.webm import LoopedRecording
from service.client import SessionUpdate, connect
from service.engine import Engine, FusionInputs, FusionOutputs
from service.engine.rescue import RETRY_AFTER
from service.protocol.messages import Checkpoint, Measurement, SessionResumed
from service.representation import DEFAULT_HORIZON, STEP_RATE

WITHIN = 1e-3
"""An Opus decoder that starts anew converges, it is not bit-exact."""


@contextmanager
def failing(running: Running, *, runs: int | None = None) -> Iterator[None]:
    """The fusion network's next `runs` runs, or all, are broken off by onnxruntime."""
    session: ort.InferenceSession = running.service.engine._fusion.session
    original, number = session.run, count()
    options = ort.RunOptions()
    options.terminate = True
    options.log_severity_level = 4

    def run(names: list[str], feeds: dict[str, Any]) -> Any:
        if runs is None or next(number) < runs:
            return original(names, feeds, options)
        return original(names, feeds)

    session.run = run
    try:
        yield
    finally:
        session.run = original


def wait_until_ready(running: Running) -> None:
    wait_until(lambda: running.client.get("/health/ready").status_code == 200)


def assert_same(answer: httpx.Response, wanted: dict[str, Any]) -> None:
    """The result that an upload without any fault had; batches round differently."""
    assert answer.status_code == 200
    assert_same_steps(steps_of_upload(answer.json()), steps_of_upload(wanted), 1e-5)


def failures(running: Running, result: str) -> float:
    return running.metric(f'attune_engine_failures_total{{model="fusion",result="{result}"}}')


def test_of_a_run_that_fails_once_nobody_hears_but_the_metrics(service: Running, clip: bytes) -> None:
    wanted, before = service.analyse(clip).json(), failures(service, "recovered")
    with failing(service, runs=1):
        found = service.analyse(clip)
    assert_same(found, wanted)
    assert failures(service, "recovered") == before + 1
    assert service.client.get("/health/ready").status_code == 200


def test_while_the_model_fails_work_is_refused_and_what_comes_after_is_as_if_nothing_had_been(
    service: Running, clip: bytes
) -> None:
    wanted, refused = service.analyse(clip).json(), failures(service, "refused")
    with talk(service) as session:
        session.media(clip[: len(clip) // 2])
        session.hear_until(Measurement)
        checkpoint = session.hear_until(Checkpoint)
        with failing(service):
            session.media(clip[len(clip) // 2 :])
            assert session.hear_out() == 1013
            error = session.failure()
            assert (error.code, error.retry_after) == ("unavailable", RETRY_AFTER)
            upload = service.analyse(clip)
            assert (upload.status_code, upload.json()["code"]) == (503, "unavailable")
            assert int(upload.headers["retry-after"]) >= 1
            assert service.client.get("/health/ready").status_code == 503
            assert service.client.get("/health/live").status_code == 200
            assert service.metric("attune_ready") == 0
            with talk(service) as late:
                assert late.hear_out() == 1013
                assert late.failure().code == "unavailable"
            assert failures(service, "refused") > refused
    wait_until_ready(service)
    assert_same(service.analyse(clip), wanted)
    with talk(service) as session:
        session.say("session.resume", token=checkpoint.token)
        session.hear_until(SessionResumed)
        session.socket.send(clip[: checkpoint.init_bytes])
        session.media(clip[checkpoint.replay_from :])
        session.end()
        assert session.all(Measurement)[0].time == pytest.approx(checkpoint.resume_at, abs=1 / STEP_RATE)


def test_a_session_whose_model_fails_for_ever_goes_on_at_another_replica_and_loses_nothing(
    service: Running, sample: Path
) -> None:
    pieces = list(LoopedRecording(sample, 4.0, size=(320, 240)).pieces(4.0, 0.2))

    async def play(urls: list[str], breaking: Callable[[], AbstractContextManager[None]]) -> tuple[list[Any], int]:
        """Send the recording, its second half while `breaking` breaks."""
        async with asyncio.timeout(PATIENCE), connect(urls, SessionUpdate()) as session:
            measurements: list[dict[str, Any]] = []
            heard = asyncio.Event()

            async def read() -> None:
                async for event in session:
                    if isinstance(event, Measurement):
                        measurements.append(event.model_dump())
                        heard.set()

            reading = asyncio.create_task(read())
            for piece in pieces[: len(pieces) // 2]:
                await session.send(piece.data)
            await heard.wait()
            with breaking():
                for piece in pieces[len(pieces) // 2 :]:
                    await session.send(piece.data)
                await session.close()
            await reading
            return measurements, session.reconnections

    with run(workers=1) as other:
        urls = [f"ws://127.0.0.1:{one.port}/v1/stream" for one in (service, other)]
        wanted, _ = asyncio.run(play(urls[1:], nullcontext))
        found, reconnections = asyncio.run(play(urls, lambda: failing(service)))
    assert reconnections >= 1
    assert_same_steps(steps_of_stream(found), steps_of_stream(wanted), WITHIN)
    wait_until_ready(service)


def test_odd_numbers_of_one_caller_fail_that_caller_alone(
    service: Running, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine: Engine = service.service.engine
    advance, odd_horizon, wanted = engine.advance, 7.0, service.analyse(clip).json()
    assert odd_horizon != DEFAULT_HORIZON

    def spoil(inputs: FusionInputs) -> FusionOutputs:
        if np.allclose(inputs.decay, -1 / (STEP_RATE * odd_horizon)):
            inputs = replace(inputs, mel=np.full_like(inputs.mel, np.nan))
        return advance(inputs)

    monkeypatch.setattr(engine, "advance", spoil)
    with ThreadPoolExecutor(2) as pool:
        ask: Callable[..., Any] = service.analyse
        odd, sound = pool.submit(ask, clip, horizon=odd_horizon), pool.submit(ask, clip)
        assert (odd.result().status_code, odd.result().json()["code"]) == (500, "internal_error")
        assert_same(sound.result(), wanted)
    assert failures(service, "failed") == 1
    assert service.client.get("/health/ready").status_code == 200
