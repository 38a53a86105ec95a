"""The decoding processes of one service: started, kept running, given sessions."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from service.domain import ResumePoint
from service.errors import AttuneError, Unavailable
from service.logs import LogFormat
from service.workers.codec import Report
from service.workers.options import SessionOptions
from service.workers.process import WorkerProcess
from service.workers.session import WorkerSession

_LOG = logging.getLogger(__name__)
_STEADY_SECONDS = 30.0
"""A process that lived this long is replaced at once; one that did not, after a pause that doubles each time."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_PATIENCE_SECONDS = 10.0
"""How long a new session waits for a process while all are being replaced."""


class WorkerPool:
    """Keeps `size` decoding processes running and gives each session to the one with the fewest.

    A process that dies is replaced; its sessions fail with `WorkerFailed`, those of the others go on.
    """

    def __init__(
        self,
        size: int,
        *,
        hang_seconds: float,
        memory_bytes: int,
        log_format: LogFormat = "text",
        on_restart: Callable[[], None] = lambda: None,
        on_report: Callable[[SessionOptions, Report], None] = lambda _options, _report: None,
    ) -> None:
        self._size = size
        self._hang_seconds = hang_seconds
        self._memory_bytes = memory_bytes
        self._log_format = log_format
        self._on_restart = on_restart
        self._on_report = on_report
        self._workers: list[WorkerProcess] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()

    @property
    def pids(self) -> list[int]:
        """Process ids of those that are ready for sessions."""
        return [worker.pid for worker in self._usable()]

    async def start(self) -> None:
        """Start the processes; return once one is ready. Raises the `AttuneError` for which the first cannot start."""
        first = await WorkerProcess.start(self._memory_bytes, self._log_format)
        self._keepers.append(asyncio.create_task(self._keep(first)))
        self._keepers += [asyncio.create_task(self._keep(None)) for _ in range(self._size - 1)]
        await self._wait_for_worker()

    async def close(self) -> None:
        """Kill every process; running sessions fail."""
        for keeper in self._keepers:
            keeper.cancel()
        for keeper in self._keepers:
            with suppress(asyncio.CancelledError):
                await keeper
        self._keepers.clear()

    async def open_session(self, options: SessionOptions, resume: ResumePoint | None = None) -> WorkerSession:
        """Open a session, a new one or one that goes on from `resume`, in the process that has the fewest.

        Raises `Unavailable` when none runs within seconds, or when the system has no socket for it.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    await self._wait_for_worker()
                    worker = min(self._usable(), key=lambda worker: len(worker.sessions))
                    try:
                        session = worker.open_session(self._hang_seconds, partial(self._on_report, options))
                        break
                    except OSError as error:
                        if worker.usable:  # not its fault, so another would do no better
                            reason = f"No socket for another analysis: {error.strerror}."
                            raise Unavailable(reason, retry_after=5) from error
        except TimeoutError:
            raise Unavailable("No decoding process is running.", retry_after=5) from None
        try:
            await session.begin(options, resume)
        except BaseException:
            session.close()
            raise
        return session

    async def _wait_for_worker(self) -> None:
        async with self._changed:
            await self._changed.wait_for(self._usable)

    def _usable(self) -> list[WorkerProcess]:
        return [worker for worker in self._workers if worker.usable]

    async def _keep(self, worker: WorkerProcess | None) -> None:
        """Keep one process running until cancelled."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            if worker is None:
                try:
                    worker = await WorkerProcess.start(self._memory_bytes, self._log_format)
                except AttuneError as error:
                    _LOG.error("decoding process did not start: %s", error.detail)
            if worker is not None:
                started = loop.time()
                await self._serve(worker)
                worker = None
                self._on_restart()
                if loop.time() - started >= _STEADY_SECONDS:
                    pause = _FIRST_PAUSE
                    continue
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _serve(self, worker: WorkerProcess) -> None:
        """Offer the process for sessions until it ends."""
        async with self._changed:
            self._workers.append(worker)
            self._changed.notify_all()
        try:
            await worker.wait()
        finally:
            self._workers.remove(worker)
        _LOG.warning("decoding process %d ended; starting another", worker.pid)
