"""One of the places where a decoding process runs: whoever ends there is replaced there."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from service.errors import AttuneError
from service.workers.process import WorkerProcess, WorkerSettings

_LOG = logging.getLogger(__name__)
_STEADY_SECONDS: Final = 30.0
"""A process that lived this long is replaced at once; one that did not, after a pause that doubles each time."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_LOOK_SECONDS: Final = 2.0
"""Time between two looks at the memory that the process holds."""


class Slot:
    """Keeps one decoding process running."""

    def __init__(self, settings: WorkerSettings, on_change: Callable[[], None], on_restart: Callable[[], None]) -> None:
        """`on_change` is called when a process is ready, `on_restart` when one has ended."""
        self._settings = settings
        self._on_change = on_change
        self._on_restart = on_restart
        self._keeper: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self.sessions = 0
        """Sessions that are here, those included that wait for a process."""
        self.probation = asyncio.Lock()
        """Held by the one suspect that may be decoded at a time."""

    @property
    def worker(self) -> WorkerProcess | None:
        """The process, if it takes sessions."""
        return self._worker if self._worker is not None and self._worker.usable else None

    def run(self, worker: WorkerProcess | None) -> None:
        """Begin, with this process or with one that is to be started."""
        self._keeper = asyncio.create_task(self._keep(worker))

    async def close(self) -> None:
        """Kill the process and start no other."""
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def _keep(self, worker: WorkerProcess | None) -> None:
        """Keep a process running until cancelled."""
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            if worker is None:
                try:
                    worker = await WorkerProcess.start(self._settings)
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
        self._worker = worker
        self._on_change()
        watch = asyncio.create_task(_watch(worker))
        try:
            await worker.wait()
        finally:
            watch.cancel()
            self._worker = None
        _LOG.warning("decoding process %d ended (%s); starting another", worker.pid, worker.end)


async def _watch(worker: WorkerProcess) -> None:
    """Stop the process when it holds too much memory. Whose media it was nobody knows."""
    while not worker.is_bloated():  # noqa: ASYNC110  nothing tells when it grows
        await asyncio.sleep(_LOOK_SECONDS)
    worker.stop("it held too much memory")
