"""The bytes as FFmpeg reads them: counted, bounded, and kept for a second look until the container is open."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from service.errors import BodyTooLarge
from service.media.restarts import Restarts

_CHUNK = 32 * 1024


class ByteSource(Protocol):
    """Where the bytes of a recording come from; an open binary file is one."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, blocking until there is at least one; `b""` at the end."""


@runtime_checkable
class TimedSource(ByteSource, Protocol):
    """A source that knows when its bytes arrived."""

    def arrival(self, offset: int, /) -> float:
        """When the byte at `offset` of all that this source gives arrived, on the monotonic clock; 0 if unknown."""


def arrivals(source: ByteSource) -> Callable[[int], float]:
    """What tells of each offset of a source when its byte arrived, on the monotonic clock; 0 where nobody noted it."""
    return source.arrival if isinstance(source, TimedSource) else lambda _offset: 0.0


class MediaSource:
    """A forward-only view of a `ByteSource`.

    `read` is called from inside FFmpeg, where an exception would be lost or replaced. It therefore never raises:
    whatever went wrong is kept, looks like the end of the bytes, and is raised by `check`.
    """

    def __init__(self, source: ByteSource, max_bytes: int, size: int | None = None) -> None:
        self.size = size
        """Bytes that the source has at most; None where nobody knows."""
        self._source = source
        self._arrival = arrivals(source)
        self._max_bytes = max_bytes
        self._kept = bytearray()
        self._position = 0
        self._keeping = True
        self._skipped = 0
        self._failure: BaseException | None = None
        self._restarts: Restarts | None = None
        self.received = 0
        """Bytes received so far."""
        self.ended = False
        """Whether the source has no more bytes."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; `b""` at the end or after a failure."""
        if self._position < len(self._kept):
            chunk = bytes(self._kept[self._position : self._position + size])
            self._position += len(chunk)
            return chunk
        chunk = self._fetch(size)
        if self._keeping:
            self._kept += chunk
            self._position = len(self._kept)
        elif self._kept:
            self._kept = bytearray()
            self._position = 0
        return chunk

    def peek(self, size: int, offset: int = 0) -> bytes:
        """The `size` bytes that lie `offset` bytes ahead, without consuming any; fewer only at the end."""
        start = self._position + offset
        while (missing := start + size - len(self._kept)) > 0 and not self.ended:
            self._kept += self._fetch(max(_CHUNK, missing))
        return bytes(self._kept[start : start + size])

    def skip(self, size: int) -> None:
        """Drop the next `size` bytes for good."""
        while size > 0:
            chunk = self.read(min(size, _CHUNK))
            if not chunk:
                break
            size -= len(chunk)
            self._skipped += len(chunk)
        del self._kept[: self._position]
        self._position = 0

    def rewind(self) -> None:
        """Start again at the first byte that was not skipped; only before `release`."""
        self._position = 0

    def release(self) -> None:
        """Stop keeping bytes that have been read."""
        self._keeping = False

    def follow(self, restarts: Restarts) -> None:
        """Show `restarts` all bytes from the first on; only before any was dropped."""
        restarts.feed(bytes(self._kept))
        self._restarts = restarts

    def arrival(self, offset: int) -> float:
        """When the byte at `offset` of what FFmpeg reads arrived; 0 where nobody noted it."""
        return self._arrival(offset + self._skipped)

    def check(self) -> None:
        """Raise what stopped the reading, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _fetch(self, size: int) -> bytes:
        if self.ended:
            return b""
        try:
            chunk = self._source.read(size)
            if len(chunk) > size:  # FFmpeg's buffer holds `size` bytes and no more
                raise ValueError("a byte source returned more bytes than it was asked for")
            self.received += len(chunk)
            if self.received > self._max_bytes:
                raise BodyTooLarge(f"The recording has more than {self._max_bytes} bytes.")
        except BaseException as error:
            self._failure = error
            chunk = b""
        self.ended = not chunk
        if self._restarts is not None:
            self._restarts.feed(chunk)
        return chunk
