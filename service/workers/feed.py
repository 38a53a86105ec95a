"""What the service tells a decoding process: one session's options, then its media, then that it ends.

A frame is its kind (uint8), the payload's length (uint32), the time at which the payload arrived (float64, seconds on
the monotonic clock, which processes of one machine share; 0 where nobody noted it), the payload; little-endian.

| kind | payload |
| --- | --- |
| 1 options | UTF-8 JSON, see `SessionOptions`; the first frame |
| 2 resume | a `ResumePoint`, where the session goes on with one; the second frame |
| 3 chunk | bytes of a container, which go on where the last chunk ended |
| 4 message | one binary message of `frames` input |
| 5 end | nothing: the media was sent whole |

A connection that closes without `end` has been given up.
"""

import socket
import struct
from dataclasses import dataclass
from time import monotonic
from typing import Final

from service.domain import ResumePoint
from service.workers.blackbox import Hand

HEADER: Final = struct.Struct("<BId")
OPTIONS, RESUME, CHUNK, MESSAGE, END = 1, 2, 3, 4, 5
_RESUME: Final = struct.Struct("<IQQ")
_READ_BYTES: Final = 256 * 1024


class GivenUp(ConnectionResetError):
    """The service has closed the session before its media ended."""


@dataclass(frozen=True, slots=True)
class FeedFrame:
    """One frame that has come whole."""

    kind: int
    arrived: float
    payload: bytes


def encode_frame(kind: int, payload: bytes = b"", arrived: float = 0.0) -> bytes:
    """The bytes of one frame."""
    return HEADER.pack(kind, len(payload), arrived) + payload


def encode_resume(resume: ResumePoint) -> bytes:
    """The payload of a `resume` frame."""
    return _RESUME.pack(resume.step, resume.replay_from, resume.init_bytes) + resume.state


def decode_resume(payload: bytes) -> ResumePoint:
    """The inverse of `encode_resume`."""
    step, replay_from, init_bytes = _RESUME.unpack_from(payload)
    return ResumePoint(step, replay_from, init_bytes, payload[_RESUME.size :])


class FeedReader:
    """The process's end of a session's socket: blocks until a frame has come, and writes down that it does."""

    def __init__(self, connection: socket.socket, hand: Hand) -> None:
        self._connection = connection
        self._hand = hand
        self._longest_wait = 0.0
        self.waited = 0.0
        """Seconds spent here, waiting for bytes, so far."""

    def next(self) -> FeedFrame:
        """The next frame. Raises `GivenUp` when the service has closed the session."""
        began = monotonic()
        self._hand.rest()
        kind, length, arrived = HEADER.unpack(self._read(HEADER.size))
        frame = FeedFrame(kind, arrived, self._read(length))
        self._hand.take(length if kind == CHUNK else int(kind == MESSAGE))
        now = monotonic()
        self.waited += now - began
        if arrived:
            self._longest_wait = max(self._longest_wait, now - arrived)
        return frame

    def take_longest_wait(self) -> float:
        """Longest time in seconds from the arrival of a payload to its being read here, since this was last asked."""
        longest, self._longest_wait = self._longest_wait, 0.0
        return longest

    def expect(self, kind: int) -> bytes:
        """The payload of the next frame. Raises ValueError if it is not of this kind."""
        frame = self.next()
        if frame.kind != kind:
            raise ValueError(f"frame of kind {frame.kind} where {kind} belongs")
        return frame.payload

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self._connection.recv(min(size - len(data), _READ_BYTES))
            if not piece:
                raise GivenUp("the session was closed")
            data += piece
        return bytes(data)
