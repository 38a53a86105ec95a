"""A session that outlives the process that decodes it."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol, Self

from service.domain import FrameCounts, MediaInfo, ResumePoint, Step
from service.errors import AttuneError
from service.workers.blame import Fate, Record
from service.workers.codec import Notice
from service.workers.kept import kept_for
from service.workers.options import SessionOptions
from service.workers.process import WorkerProcess
from service.workers.session import ProcessLost, WorkerSession, failed
from service.workers.slot import Slot

_LOG = logging.getLogger(__name__)
_END_SECONDS: Final = 10.0
"""How long the end of a process may take after the end of its sockets."""
_PROBATION_SECONDS: Final = 5.0
"""How long a suspect that gives no step keeps others waiting, once a process has it."""


@dataclass(slots=True, eq=False)
class Seat:
    """A session's place in a process."""

    slot: Slot
    worker: WorkerProcess
    number: int
    session: WorkerSession
    is_told_the_end: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the session has another, or is over."""

    def __post_init__(self) -> None:
        self.slot.sessions += 1

    def leave(self) -> None:
        """Give it up; once."""
        self.slot.sessions -= 1
        self.session.close()
        self.left.set()


class Seats(Protocol):
    """Who gives seats: the pool."""

    async def seat(self, options: SessionOptions, record: Record, *, given: int = 0, own: Slot | None = None) -> Seat:
        """A seat, in the slot `own` if possible. Raises `Unavailable`."""

    def recovered(self, options: SessionOptions) -> None:
        """Take note of a session that goes on in another process."""


class DurableSession:
    """One upload or live session, whatever becomes of the process that decodes it; used as a `WorkerSession` is.

    What is sent is also kept, from the last checkpoint or from the start. When the process ends the session goes on in
    its replacement: that begins at the checkpoint, is sent what was kept, and does not tell again what was handed out.
    So whoever iterates notices a pause, and nothing else. A session that is to blame for the end, or whose media cannot
    be sent again, raises `WorkerFailed`.
    """

    def __init__(
        self, seats: Seats, seat: Seat, record: Record, options: SessionOptions, resume: ResumePoint | None
    ) -> None:
        self._seats = seats
        self._seat = seat
        self._record = record
        self._options = options
        self._resume = resume
        """Where another process would begin."""
        self._kept = kept_for(options, resume)
        self._given = 0
        """The step after the last that was handed out."""
        self._notices = 0
        """Handed out since that step."""
        self._repeated = 0
        """Of those, how many the process will tell once more."""
        self._has_ended = False
        self._is_over = False
        self._sending = asyncio.Lock()
        self._resending: asyncio.Task[None] | None = None
        self._failure: AttuneError | None = None
        """Why media could not be sent again."""
        self._held: asyncio.Lock | None = None
        """The lock of those on probation, while this session has it."""
        self._patience: asyncio.TimerHandle | None = None
        """When others need not wait for it any longer; counts from when a process has it."""

    @classmethod
    async def open(cls, seats: Seats, options: SessionOptions, resume: ResumePoint | None) -> Self:
        """Begin anew, or at `resume`. Raises `Unavailable`."""
        record = Record()
        if resume is not None and options.input == "container":
            record.begins_at = resume.replay_from - resume.init_bytes
        session = cls(seats, await seats.seat(options, record), record, options, resume)
        try:
            await session._seat.session.begin(options, resume)
        except BaseException:
            await session.close()
            raise
        return session

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @property
    def pid(self) -> int:
        """The id of the process that decodes it."""
        return self._seat.worker.pid

    @property
    def info(self) -> MediaInfo | None:
        """What is known of the media so far; final after the last step."""
        return self._seat.session.info

    @property
    def counts(self) -> FrameCounts:
        """What became of the pictures so far; final after the last step."""
        return self._seat.session.counts

    @property
    def decode_seconds(self) -> float:
        """Seconds that decoding has taken so far, what was done again for nothing left out."""
        return self._seat.session.decode_seconds

    @property
    def perception_seconds(self) -> float:
        """Seconds that perception has taken so far, likewise."""
        return self._seat.session.perception_seconds

    async def close(self) -> None:
        """End the session; the process gives up what is left of it. Once."""
        self._finish()
        if self._resending is not None:
            self._resending.cancel()
            await asyncio.gather(self._resending, return_exceptions=True)
        self._seat.leave()
        self._kept.close()

    async def send(self, data: bytes, *, arrived: float = 0.0) -> None:
        """Hand over the next bytes of a container, or one message of `frames` input, and when they arrived (seconds on
        the monotonic clock, 0 for unknown), waiting until a process takes them.

        Bytes that the process does not want any more are dropped: the iteration says how it ended. Raises
        `WorkerFailed` where media can neither be sent again nor left out.
        """
        if self._is_over:
            return
        async with self._sending:
            await self._kept.append(data, arrived)
        await self._pump()

    async def end(self) -> None:
        """Say that the media ends here. Raises as `send`."""
        self._has_ended = True
        await self._pump()

    async def _pump(self) -> None:
        """Return once a process has taken all that waits, or the session is over."""
        while not self._is_over:
            async with self._sending:
                seat = self._seat
                if await self._hand_over(seat):
                    return
            await seat.left.wait()

    async def _hand_over(self, seat: Seat) -> bool:
        """Send all that waits; False as soon as the process takes nothing any more."""
        is_whole = self._options.input == "frames"
        while (piece := await self._kept.take()) is not None:
            if not await seat.session.send(piece.data, arrived=piece.arrived, whole=is_whole):
                return False
        if self._has_ended and not seat.is_told_the_end:
            seat.is_told_the_end = True
            return await seat.session.end()
        return True

    def __aiter__(self) -> AsyncIterator[list[Step] | Notice]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[list[Step] | Notice]:
        try:
            while True:
                try:
                    async for item in self._seat.session:
                        if self._is_news(item):
                            yield item
                    return
                except ProcessLost:
                    await self._recover()
        finally:
            self._finish()

    def _is_news(self, item: list[Step] | Notice) -> bool:
        """Take note of what is about to be handed out; whether it is, or was before."""
        if isinstance(item, Notice):
            if self._repeated:
                self._repeated -= 1
                return False
            self._notices += 1
            return True
        self._given, self._notices, self._repeated = item[-1].index + 1, 0, 0
        self._end_probation()
        checkpoint = next((step.checkpoint for step in reversed(item) if step.checkpoint is not None), None)
        if checkpoint is not None:
            self._resume = checkpoint
            self._kept.forget(checkpoint)
        return True

    async def _recover(self) -> None:
        """Go on in another process. Raises the `AttuneError` for which that cannot be."""
        lost = self._seat
        try:
            async with asyncio.timeout(_END_SECONDS):
                fate, why = await lost.worker.fate(lost.number)
        except TimeoutError:
            why = "it left the session without a word"
            lost.worker.accuse(lost.number, why)
            raise failed(why) from None
        if self._failure is not None:
            raise self._failure
        if fate is Fate.ENDS:
            _LOG.error("the media of this session ended decoding process %d: %s", lost.worker.pid, why)
            raise failed(why)
        if not self._kept.can_rewind(self._resume):
            raise failed(f"{why}; more media had come since the last checkpoint than is kept to be sent again")
        self._end_probation()
        if fate is Fate.ON_PROBATION:
            await lost.slot.probation.acquire()
            self._held = lost.slot.probation
            self._record.on_probation = True
        await self._move()
        if self._held is not None:
            self._patience = asyncio.get_running_loop().call_later(_PROBATION_SECONDS, self._end_probation)

    async def _move(self) -> None:
        """Take a seat in another process, and have what was kept sent to it."""
        lost = self._seat
        seat = await self._seats.seat(self._options, self._record, given=self._given, own=lost.slot)
        try:
            async with self._sending:  # whoever was sending has noticed that the process is gone
                self._record.begins_at = self._kept.rewind(self._resume)
                await seat.session.begin(replace(self._options, given=self._given), self._resume)
                seat.session.follow(lost.session)
                self._seat, self._repeated = seat, self._notices
        except BaseException as error:
            seat.leave()
            if isinstance(error, LookupError):
                raise failed("its media are not kept any more") from error
            raise
        lost.leave()
        if self._resending is None or self._resending.done():
            self._resending = asyncio.create_task(self._resend())
        self._seats.recovered(self._options)
        _LOG.warning("the session goes on in decoding process %d, from step %d", seat.worker.pid, self._given)

    async def _resend(self) -> None:
        try:
            await self._pump()
        except AttuneError as error:
            self._failure = error
            self._seat.session.give_up()

    def _end_probation(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._held is not None:
            self._held.release()
            self._held = None
            self._record.on_probation = False

    def _finish(self) -> None:
        self._is_over = True
        self._end_probation()
        self._seat.left.set()
