"""One live session from its first message to its last."""

import asyncio
import time
from collections.abc import Iterator
from typing import Final, NoReturn

from service.analysis import Baseline, LiveAnalysis
from service.analysis.session import SessionEvent
from service.api.concurrency import guarded
from service.api.metrics import Meter
from service.api.state import Service
from service.api.stream.checkpoints import Checkpoints, State
from service.api.stream.closing import error_message, leaving
from service.api.stream.connection import Connection
from service.api.stream.counts import Counts
from service.api.stream.inbox import Inbox
from service.api.stream.phases import Phase, advance
from service.domain import Step
from service.errors import WorkerFailed
from service.protocol.messages import (
    Checkpoint,
    ClientMessage,
    KeepAlive,
    Measurement,
    SessionClose,
    SessionClosing,
    SessionConfig,
    SessionCreated,
    SessionLimits,
    SessionResume,
    SessionResumed,
    SessionSummary,
    SessionUpdate,
    SessionUpdated,
)
from service.representation import KEY_EVERY, STEP_RATE
from service.workers import DurableSession, Notice, SessionOptions
from service.workers.session import error_of

ROOM_BYTES: Final = 4 * 2**20
"""Media that may wait here where late pictures are dropped. Were it not read, nobody would know how late it is."""


class Session:
    """Sets a session up as its client asks, then measures what it sends until it says that this was all."""

    def __init__(self, service: Service, connection: Connection, checkpoints: Checkpoints, name: str) -> None:
        self._service = service
        self._connection = connection
        self._checkpoints = checkpoints
        self._name = name
        self._config = SessionConfig()
        self._baseline: Baseline | None = None
        self._resumed: State | None = None
        self._phase = Phase.OPEN
        self._is_leaving = False
        """Whether the client knows that the session ends here; the next checkpoint is the last."""
        self._closed = asyncio.Event()
        self._inference = Meter(service.metrics.stages["session"].inference)

    async def run(self) -> None:
        """Return once the summary has been sent. Raises `ClientLeft` or the `AttuneError` that ends the session."""
        await self._connection.send(self._created())
        first = await self._set_up()
        if self._resumed is None:  # one that goes on has been counted where it began
            self._service.quotas.count_request(self._checkpoints.caller)
        settings = self._service.settings
        options = SessionOptions(
            settings.session_limits(),
            self._config.faces,
            settings.spool_dir,
            input=self._config.input,
            live=True,
            max_delay=self._config.max_delay if self._config.late == "drop" else None,
            checkpoint_every=KEY_EVERY * round(settings.checkpoint_interval * STEP_RATE / KEY_EVERY),
        )
        analysis = await self._service.compute(self._analysis)
        resume = self._resumed.resume if self._resumed is not None else None
        inbox = Inbox(ROOM_BYTES if self._config.late == "drop" else 0)
        async with await self._service.pool.open_session(options, resume) as worker:
            work = guarded(self._measure(worker, analysis), self._feed(worker, inbox), self._listen(inbox, first))
            try:
                await self._connection.send(await work)
            finally:
                self._inference.finish()

    async def announce_end(self, within: float) -> None:
        """Tell the client that the session ends here at its next checkpoint, within so many seconds.

        Raises `ClientLeft` or `SlowClient`; `run` raises `Draining` after that checkpoint.
        """
        await self._connection.send(SessionClosing(deadline=round(within, 3), reason="draining"))
        self._is_leaving = True

    def _created(self) -> SessionCreated:
        settings = self._service.settings
        return SessionCreated(
            session=self._name,
            model=self._service.model,
            defaults=SessionConfig(),
            limits=SessionLimits(
                max_message_bytes=settings.max_message_bytes,
                max_duration=settings.max_session_duration,
                max_pixels=settings.max_pixels,
                max_frame_rate=settings.max_frame_rate,
                idle_timeout=settings.idle_timeout,
            ),
        )

    async def _set_up(self) -> bytes | SessionClose:
        """Do as the client asks before it sends media; the first media, or that there will be none."""
        while True:
            message = await self._receive()
            if isinstance(message, SessionUpdate):
                self._update(message)
                await self._connection.send(SessionUpdated(config=self._config))
            elif isinstance(message, SessionResume):
                await self._connection.send(self._go_on(message))
            elif not isinstance(message, KeepAlive):
                return message

    def _update(self, message: SessionUpdate) -> None:
        self._config = SessionConfig.model_validate(message.model_dump(exclude={"type"}))
        if self._config.baseline not in (None, "learn"):
            self._baseline = self._checkpoints.open_baseline(self._config.baseline)

    def _go_on(self, message: SessionResume) -> SessionResumed:
        self._resumed = state = self._checkpoints.open(message.token)
        self._service.metrics.resumed.inc()
        self._config, self._baseline = state.config, state.baseline
        return SessionResumed(
            config=state.config,
            resume_at=state.resume.step / STEP_RATE,
            replay_from=state.resume.replay_from,
            init_bytes=state.resume.init_bytes,
        )

    def _analysis(self) -> LiveAnalysis:
        engine = self._service.engine
        if self._resumed is None:
            return LiveAnalysis(engine, self._config, baseline=self._baseline)
        return LiveAnalysis.restore(engine, self._resumed.snapshot, self._config, baseline=self._baseline)

    async def _receive(self) -> ClientMessage | bytes:
        message = await self._connection.receive(patient=self._phase is Phase.CLOSING)
        self._phase = advance(self._phase, message)
        if isinstance(message, KeepAlive):
            await self._connection.send(message)
        return message

    async def _listen(self, inbox: Inbox, message: ClientMessage | bytes) -> NoReturn:
        """Note media as it comes, beginning with `message`; no more is read than there is room for."""
        while True:
            if isinstance(message, bytes):
                await inbox.put(message, time.monotonic())
            elif isinstance(message, SessionClose):
                await inbox.put(None, time.monotonic())
                self._closed.set()
            message = await self._receive()

    async def _feed(self, worker: DurableSession, inbox: Inbox) -> NoReturn:
        """Hand media on as the process takes it."""
        while True:
            data, arrived = await inbox.get()
            if data is None:
                await worker.end()
            else:
                await worker.send(data, arrived=arrived)

    async def _measure(self, worker: DurableSession, analysis: LiveAnalysis) -> SessionSummary:
        """Tell all there is to tell but the summary, which is returned."""
        counts = Counts(self._service.metrics.frames, resumed=self._resumed is not None)
        async for item in worker:
            if isinstance(item, Notice):
                await self._connection.send(error_message(error_of(item), fatal=False))
                continue
            for steps in _runs(item):
                await self._push(analysis, steps)
            if dropped := counts.news(worker.counts):
                await self._connection.send(dropped)
        await self._closed.wait()  # the media may end before the client says so
        info = worker.info
        if info is None:
            raise WorkerFailed("The process that decoded this media did not describe it.")
        counts.news(worker.counts)
        await self._connection.send(*analysis.finish(info))
        baselines = {
            person: self._checkpoints.make_baseline(baseline) for person, baseline in analysis.baselines().items()
        }
        return analysis.summary(info, worker.counts, baselines)

    async def _push(self, analysis: LiveAnalysis, steps: list[Step]) -> None:
        """Measure steps of which only the first may carry a checkpoint, which is handed out before it."""
        if (resume := steps[0].checkpoint) is not None:

            def checkpoint() -> Checkpoint:
                return self._checkpoints.make(State(self._config, self._baseline, resume, analysis.snapshot()))

            is_last = self._is_leaving
            await self._connection.send(await self._service.compute(checkpoint))
            if is_last:
                raise leaving()
        metrics = self._service.metrics
        began = time.monotonic()
        messages = await self._service.compute(lambda: self._analyse(analysis, steps, began))
        metrics.media.inc(len(steps) / STEP_RATE)
        for message in messages:
            if isinstance(message, Measurement):
                metrics.measurements.inc()
                if message.delay is not None:
                    delay = round(message.delay + time.monotonic() - began, 6)
                    metrics.delay.observe(delay)
                    message = message.model_copy(update={"delay": delay})
            await self._connection.send(message)

    def _analyse(self, analysis: LiveAnalysis, steps: list[Step], now: float) -> list[SessionEvent]:
        began = time.monotonic()
        try:
            return analysis.push(steps, now=now)
        finally:
            self._inference.add(len(steps), time.monotonic() - began)


def _runs(steps: list[Step]) -> Iterator[list[Step]]:
    """`steps` cut before each one that carries a checkpoint."""
    starts = [place for place, step in enumerate(steps) if place == 0 or step.checkpoint is not None]
    for start, end in zip(starts, [*starts[1:], len(steps)], strict=True):
        yield steps[start:end]
