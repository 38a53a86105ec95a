"""The service's end of one session with a decoding process."""

import asyncio
import fcntl
import socket
import struct
import termios
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, Self

from service.domain import MediaInfo, Step
from service.errors import AttuneError, WorkerFailed
from service.representation import STEP_RATE
from service.workers.codec import CodecError, Decoder, End, Failure

MAX_STEPS: Final = STEP_RATE
"""Steps that one iteration hands out at most: one second of media."""

_RECEIVE_BYTES = 256 * 1024


class WorkerSession:
    """Feeds one upload to a decoding process and iterates over the steps that come back.

    `send`/`end` and the iteration run in two tasks: whoever only sends will block as soon as nobody reads. Iteration
    gives lists of 1 to `MAX_STEPS` steps and raises the `AttuneError` that the process reports; it raises
    `WorkerFailed` when the process dies, hangs or talks nonsense.

    A process counts as hung when for `hang_seconds` the service waits for it, it has unread input (or all of it), and
    it neither reads nor sends. Time in which it waits for bytes, or for the service to take its steps, does not count.
    """

    def __init__(
        self,
        connection: socket.socket,
        hang_seconds: float,
        *,
        on_close: Callable[["WorkerSession"], None],
        on_distrust: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._hang_seconds = hang_seconds
        self._on_close = on_close
        self._on_distrust = on_distrust
        self._decoder = Decoder()
        self._steps: deque[Step] = deque()
        self._outcome: Failure | End | None = None
        self._sent = 0
        self._ended = False
        self.info: MediaInfo | None = None
        """What is known of the media so far; final after the last step."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; the process gives up what is left of it. Harmless when repeated."""
        self._connection.close()
        self._on_close(self)

    async def send(self, data: bytes) -> None:
        """Hand over the next bytes, waiting until the process takes them.

        Bytes that the process does not want any more are dropped: the iteration says how it ended.
        """
        try:
            await asyncio.get_running_loop().sock_sendall(self._connection, data)
        except (BrokenPipeError, ConnectionResetError):
            return
        self._sent += len(data)

    def end(self) -> None:
        """Say that the media ends here."""
        self._ended = True
        try:
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def __aiter__(self) -> AsyncIterator[list[Step]]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[list[Step]]:
        while True:
            while self._steps:
                yield [self._steps.popleft() for _ in range(min(MAX_STEPS, len(self._steps)))]
            if isinstance(self._outcome, Failure):
                raise error_of(self._outcome.code, self._outcome.detail)
            if isinstance(self._outcome, End):
                if self.info is None:
                    raise self._distrust("it ended without describing the media")
                return
            data = await self._receive()
            if not data:
                raise WorkerFailed("The process that decoded this media ended unexpectedly.")
            self._take(data)

    def _take(self, data: bytes) -> None:
        try:
            for message in self._decoder.feed(data):
                if self._outcome is not None:
                    raise CodecError("message after the end")
                if isinstance(message, Step):
                    self._steps.append(message)
                elif isinstance(message, MediaInfo):
                    self.info = message
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
                    raise self._distrust("it made no progress")
        except ConnectionResetError:
            return b""
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})  # its descriptor may be closed, and used anew, right after this

    def _progress(self) -> tuple[int, int, bool]:
        """Changes whenever bytes are handed over or read by the process."""
        return self._sent, _unread(self._connection), self._ended

    def _distrust(self, reason: str) -> WorkerFailed:
        self._on_distrust()
        return WorkerFailed(f"The process that decoded this media was stopped: {reason}.")


def _unread(connection: socket.socket) -> int:
    """Bytes sent that the other side has not read yet (as the kernel accounts for them)."""
    count = bytearray(4)
    fcntl.ioctl(connection, termios.TIOCOUTQ, count)
    return int(struct.unpack("i", count)[0])


def error_of(code: str, detail: str) -> AttuneError:
    """The error with this code, or `WorkerFailed` where there is none."""
    known = {error.code: error for error in AttuneError.__subclasses__()}
    return known.get(code, WorkerFailed)(detail)
