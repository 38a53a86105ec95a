"""The media of one session as the decoders read it: the bytes of a container, or the messages of `frames` input."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from service.errors import InvalidFrame
from service.protocol.frames import FrameMessage, unpack
from service.workers.feed import CHUNK, END, MESSAGE, FeedReader

_NOTED: Final = 4096
_SAME: Final = 0.001
"""Seconds within which chunks count as one arrival, so that tiny ones do not push older ones out of memory."""


class ContainerSource:
    """A `ByteSource` over a session's chunks: blocks until bytes arrive, b"" once the media has ended."""

    def __init__(self, feed: FeedReader) -> None:
        self._feed = feed
        self._chunk = memoryview(b"")
        self._ended = False
        self._received = 0
        self._ends: list[int] = []
        self._times: list[float] = []

    def read(self, size: int, /) -> bytes:
        while not self._chunk and not self._ended:
            frame = self._feed.next()
            if frame.kind == CHUNK:
                self._chunk = memoryview(frame.payload)
                self._note(len(frame.payload), frame.arrived)
            elif frame.kind == END:
                self._ended = True
            else:
                raise ValueError(f"frame of kind {frame.kind} in a container")
        piece, self._chunk = bytes(self._chunk[:size]), self._chunk[size:]
        return piece

    def arrival(self, offset: int) -> float:
        """When the byte at `offset` of all bytes given here arrived, on the monotonic clock; 0 where it has not yet.

        Only the last arrivals are known: of older bytes it says when the oldest of those was.
        """
        at = bisect_right(self._ends, offset)
        return self._times[at] if at < len(self._times) else 0.0

    def _note(self, size: int, arrived: float) -> None:
        self._received += size
        if self._times and arrived - self._times[-1] < _SAME:
            self._ends[-1] = self._received
            return
        self._ends.append(self._received)
        self._times.append(arrived)
        if len(self._ends) > _NOTED:
            del self._ends[0], self._times[0]


def frame_messages(feed: FeedReader, report: Callable[[InvalidFrame], None]) -> Iterator[tuple[FrameMessage, float]]:
    """The messages of a session and when each arrived, up to its end; one that is none is reported and passed over."""
    while (frame := feed.next()).kind != END:
        if frame.kind != MESSAGE:
            raise ValueError(f"frame of kind {frame.kind} among messages")
        try:
            message = unpack(frame.payload)
        except InvalidFrame as error:
            report(error)
            continue
        yield message, frame.arrived
