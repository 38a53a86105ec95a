"""The decoding processes of one service: started, kept running, given sessions."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from service.domain import ResumePoint
from service.errors import Unavailable
from service.workers.blame import Record
from service.workers.codec import Report
from service.workers.durable import DurableSession, Seat
from service.workers.options import SessionOptions
from service.workers.process import WorkerProcess, WorkerSettings
from service.workers.slot import Slot

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS: Final = 10.0
"""How long a session waits for a process while all are being replaced."""
_OWN_SECONDS: Final = 5.0
"""How long one that goes on waits for that in its own place, before it goes where sessions of others are."""
_PAUSE: Final = 0.25
"""Seconds between two tries to go on where the system has no socket."""


class WorkerPool:
    """Keeps `size` decoding processes running and gives each session to the one with the fewest.

    A process that ends is replaced, and its sessions go on in the replacement; see `DurableSession`.
    """

    def __init__(
        self,
        size: int,
        settings: WorkerSettings,
        *,
        on_restart: Callable[[], None] = lambda: None,
        on_report: Callable[[SessionOptions, Report], None] = lambda _options, _report: None,
        on_recovery: Callable[[SessionOptions], None] = lambda _options: None,
    ) -> None:
        self._settings = settings
        self._on_report = on_report
        self._on_recovery = on_recovery
        self._slots = [Slot(settings, self._wake, on_restart) for _ in range(size)]
        self._changed = asyncio.Event()
        self._is_closed = False

    @property
    def pids(self) -> list[int]:
        """Process ids of those that are ready for sessions."""
        return [slot.worker.pid for slot in self._slots if slot.worker is not None]

    async def start(self) -> None:
        """Start the processes; return once one is ready. Raises the `AttuneError` for which the first cannot start."""
        first = await WorkerProcess.start(self._settings)
        if first.lacks:
            _LOG.warning("decoding processes are less confined than they could be, without %s", ", ".join(first.lacks))
        for slot in self._slots:
            slot.run(first if slot is self._slots[0] else None)
        await self._until(self._usable)

    async def close(self) -> None:
        """Kill every process; running sessions fail."""
        self._is_closed = True
        self._wake()
        for slot in self._slots:
            await slot.close()

    async def open_session(self, options: SessionOptions, resume: ResumePoint | None = None) -> DurableSession:
        """Open a session, a new one or one that goes on from `resume`, in the process that has the fewest.

        Raises `Unavailable` when none runs within seconds, or when the system has no socket for it.
        """
        return await DurableSession.open(self, options, resume)

    async def seat(self, options: SessionOptions, record: Record, *, given: int = 0, own: Slot | None = None) -> Seat:
        """A session in a process, to be begun; one that goes on in that of the slot `own`, if one is there in time.

        Raises `Unavailable` as `open_session`; a session that goes on waits for a socket as it does for a process.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while True:
                    slot, worker = await self._place(own)
                    try:
                        number, session = worker.open_session(
                            record, given=given, on_report=partial(self._on_report, options)
                        )
                        return Seat(slot, worker, number, session)
                    except OSError as error:
                        if worker.usable and own is None:  # not its fault, so another would do no better
                            reason = f"No socket for another analysis: {error.strerror}."
                            raise Unavailable(reason, retry_after=5) from error
                    if own is not None:
                        await asyncio.sleep(_PAUSE)
        except TimeoutError:
            raise Unavailable("No decoding process is running.", retry_after=5) from None

    def recovered(self, options: SessionOptions) -> None:
        """Take note of a session that goes on in another process."""
        self._on_recovery(options)

    async def _place(self, own: Slot | None) -> tuple[Slot, WorkerProcess]:
        if own is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_OWN_SECONDS):
                    await self._until(lambda: own.worker is not None)
        if own is not None and own.worker is not None:
            return own, own.worker
        await self._until(self._usable)
        slot, worker = min(self._usable(), key=lambda place: place[0].sessions)
        return slot, worker

    def _usable(self) -> list[tuple[Slot, WorkerProcess]]:
        return [(slot, slot.worker) for slot in self._slots if slot.worker is not None]

    async def _until(self, condition: Callable[[], object]) -> None:
        """Return once `condition` holds, which only a new process can bring about. Raises `Unavailable` where none
        will come."""
        while not condition():
            if self._is_closed:
                raise Unavailable("The decoding processes have been stopped.")
            self._changed.clear()
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
