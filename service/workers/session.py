"""The service's end of one session with a decoding process."""

import asyncio
import fcntl
import socket
import struct
import termios
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, Self

from service.domain import FrameCounts, MediaInfo, ResumePoint, Step
from service.errors import AttuneError, WorkerFailed
from service.logs import noted
from service.representation import STEP_RATE
from service.workers.codec import CodecError, Decoder, End, Failure, Notice, Report
from service.workers.feed import CHUNK, END, MESSAGE, OPTIONS, RESUME, encode_frame, encode_resume
from service.workers.options import SessionOptions

MAX_STEPS: Final = STEP_RATE
"""Steps that one iteration hands out at most: one second of media."""

_RECEIVE_BYTES = 256 * 1024


class ProcessLost(Exception):
    """The process that had the session has ended, or is about to be."""


class WorkerSession:
    """Feeds one upload or live session to one decoding process and iterates over what comes back.

    `send`/`end` and the iteration run in two tasks: whoever only sends will block as soon as nobody reads. Iteration
    gives lists of 1 to `MAX_STEPS` steps and, between the steps where they happened, notices of faults that were
    passed over; it raises the `AttuneError` that the process reports, `WorkerFailed` when it talks nonsense, and
    `ProcessLost` when it dies or hangs.

    A process counts as hung when for `hang_seconds` the service waits for it, it has unread input (or all of it), and
    it neither reads nor sends. Time in which it waits for bytes, or for the service to take its steps, does not count.
    """

    def __init__(
        self,
        connection: socket.socket,
        hang_seconds: float,
        *,
        given: int = 0,
        on_close: Callable[[], None],
        on_distrust: Callable[[str], None],
        on_hang: Callable[[], None],
        on_report: Callable[[Report], None],
    ) -> None:
        """`given`: steps before this one were given by another process, and must not come again."""
        self._connection = connection
        self._hang_seconds = hang_seconds
        self._on_close = on_close
        self._on_distrust = on_distrust
        self._on_hang = on_hang
        self._on_report = on_report
        self._decoder = Decoder(given)
        self._waiting: deque[Step | Notice] = deque()
        self._outcome: Failure | End | None = None
        self._sent = 0
        self._ended = False
        self.info: MediaInfo | None = None
        """What is known of the media so far; final after the last step."""
        self.counts = FrameCounts()
        """What became of the pictures so far; final after the last step."""
        self.decode_seconds = 0.0
        """Seconds that decoding has taken so far."""
        self.perception_seconds = 0.0
        """Seconds that perception has taken so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; the process gives up what is left of it. Harmless when repeated."""
        self._connection.close()
        self._on_close()

    def give_up(self) -> None:
        """Make both sides take the other for gone; the iteration raises `ProcessLost`."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def follow(self, other: "WorkerSession") -> None:
        """Begin with what was known where `other` ended, whose media this session goes on with."""
        self.info, self.counts = other.info, other.counts
        self.decode_seconds, self.perception_seconds = other.decode_seconds, other.perception_seconds

    async def begin(self, options: SessionOptions, resume: ResumePoint | None) -> None:
        """Say what is to be decoded, and where to go on with it; before anything else."""
        asked = replace(options, resumes=resume is not None, log_fields=noted())
        await self._send(encode_frame(OPTIONS, asked.to_json()))
        if resume is not None:
            await self._send(encode_frame(RESUME, encode_resume(resume)))

    async def send(self, data: bytes, *, arrived: float = 0.0, whole: bool = False) -> bool:
        """Hand over the next bytes of a container, or with `whole` one message of `frames` input, and when they
        arrived (seconds on the monotonic clock, 0 for unknown), waiting until the process takes them.

        Tells whether it did: bytes that it does not want any more are dropped, and the iteration says how it ended.
        """
        return await self._send(encode_frame(MESSAGE if whole else CHUNK, data, arrived))

    async def end(self) -> bool:
        """Say that the media ends here; tells whether the process will hear it."""
        self._ended = await self._send(encode_frame(END))
        return self._ended

    async def _send(self, frame: bytes) -> bool:
        try:
            await asyncio.get_running_loop().sock_sendall(self._connection, frame)
        except (BrokenPipeError, ConnectionResetError):
            return False
        self._sent += len(frame)
        return True

    def __aiter__(self) -> AsyncIterator[list[Step] | Notice]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[list[Step] | Notice]:
        while True:
            while self._waiting:
                yield self._next()
            if isinstance(self._outcome, Failure):
                raise error_of(self._outcome)
            if isinstance(self._outcome, End):
                if self.info is None:
                    raise self._distrust("it ended without describing the media")
                return
            data = await self._receive()
            if not data:
                raise ProcessLost("it ended")
            self._take(data)

    def _next(self) -> list[Step] | Notice:
        """The notice at the front of what waits, or the steps there."""
        first = self._waiting.popleft()
        if isinstance(first, Notice):
            return first
        steps = [first]
        while self._waiting and len(steps) < MAX_STEPS:
            following = self._waiting[0]
            if isinstance(following, Notice):
                break
            steps.append(following)
            self._waiting.popleft()
        return steps

    def _take(self, data: bytes) -> None:
        try:
            for message in self._decoder.feed(data):
                if self._outcome is not None:
                    raise CodecError("message after the end")
                if isinstance(message, Step | Notice):
                    self._waiting.append(message)
                elif isinstance(message, MediaInfo):
                    self.info = message
                elif isinstance(message, FrameCounts):
                    self.counts = message
                elif isinstance(message, Report):
                    self.decode_seconds += message.decode
                    self.perception_seconds += message.perception
                    self._on_report(message)
                else:
                    self._outcome = message
        except CodecError as error:
            raise self._distrust(str(error)) from error

    async def _receive(self) -> bytes:
        receiving = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(self._connection, _RECEIVE_BYTES))
        try:
            while True:
                before = self._progress()
                await asyncio.wait({receiving}, timeout=self._hang_seconds)
                if receiving.done():
                    return receiving.result()
                unread = _unread(self._connection)
                if self._progress() == before and (unread or self._ended):
                    self._on_hang()
                    raise ProcessLost("it made no progress")
        except ConnectionResetError:
            return b""
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})  # its descriptor may be closed, and used anew, right after this

    def _progress(self) -> tuple[int, int, bool]:
        """Changes whenever bytes are handed over or read by the process."""
        return self._sent, _unread(self._connection), self._ended

    def _distrust(self, reason: str) -> WorkerFailed:
        self._on_distrust(reason)
        return failed(reason)


def failed(reason: str) -> WorkerFailed:
    """The error of a session that ends with its process."""
    return WorkerFailed(f"The process that decoded this media failed: {reason}.")


def _unread(connection: socket.socket) -> int:
    """Bytes sent that the other side has not read yet (as the kernel accounts for them)."""
    count = bytearray(4)
    fcntl.ioctl(connection, termios.TIOCOUTQ, count)
    return int(struct.unpack("i", count)[0])


def error_of(told: Failure | Notice) -> AttuneError:
    """The error that the process has told of; `WorkerFailed` where there is none with its code."""
    known = {error.code: error for error in AttuneError.__subclasses__()}
    return known.get(told.code, WorkerFailed)(told.detail, sequence=told.sequence)
