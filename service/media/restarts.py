"""Where the reading of a container may begin in its middle, found while its bytes pass.

Matroska and WebM (RFC 8794, RFC 9559) may be read from any cluster on, ISO files in fragments (ISO/IEC 14496-12) from
any `moof` whose tracks all tell their time, once the header has been read. What passes is walked element by element,
not searched, so that no picture that happens to hold the right bytes is taken for a place to begin.
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

MAX_INIT = 256 << 10
"""Bytes of a header worth keeping: ten times the largest of a live recorder."""

_MAX_AHEAD = 4096
"""Places remembered before their packets have come; a place left out makes a replay longer, not wrong."""
_LONGEST_HEADER = 16

_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"


class Restarts:
    """Places to begin at. Bytes go in by `feed`; `before` is asked with rising positions."""

    def __init__(self, container: str, init_bytes: int | None = None) -> None:
        """For FFmpeg's `matroska` or `mov`; `init_bytes` where they are known from earlier."""
        self._walker: _Walker = _Clusters() if container == "matroska" else _Fragments()
        self._head = bytearray()
        self._skip = 0
        self._position = 0
        self._lost = False
        self._current: int | None = None
        self._ahead: deque[int] = deque()
        self.init_bytes = init_bytes
        """Bytes before the first such place, the header; None before that is known."""

    def feed(self, data: bytes) -> None:
        """Walk over the next bytes."""
        view = memoryview(data)
        while len(view) and not self._lost:
            skipped = min(self._skip, len(view))
            self._skip -= skipped
            self._position += skipped
            view = view[skipped:]
            if not len(view):
                return
            missing = _LONGEST_HEADER - len(self._head)
            taken = len(self._head)
            self._head += view[:missing]
            header = self._walker.parse(bytes(self._head))
            if header is None:
                self._lost = len(self._head) == _LONGEST_HEADER
                return
            view = view[max(0, header.size - taken) :]
            self._head.clear()
            self._walk(header)

    def before(self, position: int) -> int | None:
        """The newest place to begin at that is not after `position`."""
        while self._ahead and self._ahead[0] <= position:
            self._current = self._ahead.popleft()
        return self._current

    def _walk(self, header: "_Header") -> None:
        place = self._walker.enter(header, self._position)
        if place is not None:
            if self.init_bytes is None:
                self.init_bytes = place
            if len(self._ahead) < _MAX_AHEAD:
                self._ahead.append(place)
        self._position += header.size
        self._lost = header.content is None
        self._skip = header.content or 0


@dataclass(slots=True)
class _Header:
    kind: bytes
    size: int
    """Bytes of the header itself."""
    content: int | None
    """Bytes to skip behind it; None where nobody knows what follows."""


class _Walker(Protocol):
    def parse(self, data: bytes) -> _Header | None:
        """The header at the front of `data`; None where it takes more bytes."""

    def enter(self, header: _Header, position: int) -> int | None:
        """Look at an element, decide what to skip, and say which place to begin at it reveals."""


class _Clusters:
    """Matroska: every cluster, whether its size is known or not."""

    def parse(self, data: bytes) -> _Header | None:
        width = 9 - data[0].bit_length()
        if len(data) <= width:
            return None
        length = 9 - data[width].bit_length()
        if width > 4 or length > 8:
            return _Header(b"", 1, None)  # no element starts like this: the structure is lost
        if len(data) < width + length:
            return None
        value = int.from_bytes(data[width : width + length], "big") & ((1 << 7 * length) - 1)
        unknown = value == (1 << 7 * length) - 1
        return _Header(data[:width], width + length, None if unknown else value)

    def enter(self, header: _Header, position: int) -> int | None:
        if header.kind == _SEGMENT:
            header.content = 0
        elif header.kind == _CLUSTER:
            header.content = header.content or 0  # of unknown size: its children follow one by one
            return position
        return None


class _Fragments:
    """ISO files: every `moof` that tells the time of all its tracks."""

    def __init__(self) -> None:
        self._start: int | None = None
        self._tracks = 0

    def parse(self, data: bytes) -> _Header | None:
        if len(data) < 8:
            return None
        size, header = int.from_bytes(data[:4], "big"), 8
        if size == 1:
            if len(data) < 16:
                return None
            size, header = int.from_bytes(data[8:16], "big"), 16
        return _Header(data[4:8], header, size - header if size >= header else None)

    def enter(self, header: _Header, position: int) -> int | None:
        match header.kind:
            case b"moof":
                self._start, self._tracks, header.content = position, 0, 0
            case b"traf":
                self._tracks, header.content = self._tracks + 1, 0
            case b"tfdt":
                self._tracks -= 1
            case b"mdat" if self._start is not None:
                start, self._start = self._start, None
                return start if self._tracks == 0 else None
        return None
