"""What was sent of a session's media, for the process that takes over when the one that had it ends."""

import asyncio
import tempfile
from array import array
from bisect import bisect_left, bisect_right
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from time import monotonic
from typing import Final, NamedTuple, Protocol

from service.domain import ResumePoint
from service.errors import InvalidFrame, WorkerFailed
from service.protocol.frames import unpack
from service.protocol.ring import Ring
from service.workers.options import SessionOptions

LIVE_BYTES: Final = 32 * 2**20
"""Media of one live session kept since its last checkpoint: ten seconds of JPEG pictures of 1280 x 720, minutes of a
container. Beyond that the session cannot go on in another process."""
MEMORY_BYTES: Final = 4 * 2**20
"""Bytes of an upload kept in memory; those beyond go to a temporary file."""

_OVERHEAD: Final = 256
"""Bytes that a piece takes beside its content."""
_HEAD_BYTES: Final = 1 << 20


class Sent(NamedTuple):
    """Media to be sent."""

    data: bytes
    arrived: float
    """When it arrived, on the monotonic clock; 0 for unknown."""


class Kept(Protocol):
    """The media of one session: what is to be sent, and what may have to be sent again."""

    async def append(self, data: bytes, arrived: float) -> None:
        """Add what comes next."""

    async def take(self) -> Sent | None:
        """What is to be sent next, and then counts as sent; None where nothing waits. Raises `WorkerFailed` where it
        was lost."""

    def forget(self, checkpoint: ResumePoint) -> None:
        """Drop what was sent and is not needed to go on from this checkpoint."""

    def can_rewind(self, checkpoint: ResumePoint | None) -> bool:
        """Whether everything from this checkpoint on, or from the start, is still here."""

    def rewind(self, checkpoint: ResumePoint | None) -> int:
        """Make all of that wait to be sent again, in the same pieces. Raises LookupError where it is not here.

        Tells the place from which what is sent counts: in bytes of a container, or messages."""

    def close(self) -> None:
        """Keep nothing more."""


class KeptChunks:
    """The bytes of a live container."""

    def __init__(self, resume: ResumePoint | None, *, renews: bool) -> None:
        """`resume`: where the session began, if not at the start: its first bytes are then the header, the others those
        from the place that it names. `renews`: whether what is sent again counts as having just arrived."""
        self._missing = resume.init_bytes if resume is not None else 0
        """Bytes of the header still to come."""
        head, start = (resume.init_bytes, resume.replay_from) if resume is not None else (_HEAD_BYTES, 0)
        self._ring = Ring(LIVE_BYTES, head=min(head, _HEAD_BYTES), start=start, overhead=_OVERHEAD)
        self._first: bytes | None = None
        """The header, where it is to be sent again."""
        self._renews = renews
        self._again = 0

    async def append(self, data: bytes, arrived: float) -> None:
        header, rest = data[: self._missing], data[self._missing :]
        self._missing -= len(header)
        if header:
            self._ring.append(header, 0, arrived)
        if rest:
            self._ring.append(rest, len(rest), arrived)

    async def take(self) -> Sent | None:
        if self._first is not None:
            first, self._first = self._first, None
            return Sent(first, 0.0)
        if (piece := self._ring.take()) is None:
            return None
        is_new = not self._renews or piece.start >= self._again
        return Sent(piece.data, piece.at if is_new else monotonic())

    def forget(self, checkpoint: ResumePoint) -> None:
        self._ring.forget(checkpoint.replay_from)

    def can_rewind(self, checkpoint: ResumePoint | None) -> bool:
        return self._ring.can_resume(*self._place(checkpoint))

    def rewind(self, checkpoint: ResumePoint | None) -> int:
        self._again = max(self._again, self._ring.sent)
        position, head = self._place(checkpoint)
        self._first = self._ring.rewind(position, head) or None
        return position - head

    def close(self) -> None:
        self._ring = Ring(0, head=0)

    def _place(self, checkpoint: ResumePoint | None) -> tuple[int, int]:
        """Where the replay begins, and how much of the header goes before."""
        return (0, 0) if checkpoint is None else (checkpoint.replay_from, checkpoint.init_bytes - self._missing)


class KeptMessages:
    """The messages of `frames` input."""

    def __init__(self, *, renews: bool) -> None:
        """`renews`: as for `KeptChunks`."""
        self._ring = Ring(LIVE_BYTES, head=0, overhead=_OVERHEAD)
        self._renews = renews
        self._again = 0
        self._numbers: list[int] = []
        """Sequence numbers of the messages kept from which a replay may begin, rising."""
        self._places: list[int] = []
        """Their positions in the ring."""

    async def append(self, data: bytes, arrived: float) -> None:
        with suppress(InvalidFrame):  # the process tells the client of it
            number = unpack(data).sequence
            if not self._numbers or number > self._numbers[-1]:
                self._numbers.append(number)
                self._places.append(self._ring.end)
        self._ring.append(data, 1, arrived)
        self._trim()

    async def take(self) -> Sent | None:
        if (piece := self._ring.take()) is None:
            return None
        is_new = not self._renews or piece.start >= self._again
        return Sent(piece.data, piece.at if is_new else monotonic())

    def forget(self, checkpoint: ResumePoint) -> None:
        if (place := self._place(checkpoint)) is not None:
            self._ring.forget(place)
            self._trim()

    def can_rewind(self, checkpoint: ResumePoint | None) -> bool:
        place = self._place(checkpoint)
        return place is not None and self._ring.can_resume(place, 0)

    def rewind(self, checkpoint: ResumePoint | None) -> int:
        if (place := self._place(checkpoint)) is None:
            raise LookupError(checkpoint)
        self._again = max(self._again, self._ring.sent)
        self._ring.rewind(place, 0)
        return place

    def close(self) -> None:
        self._ring = Ring(0, head=0)

    def _place(self, checkpoint: ResumePoint | None) -> int | None:
        """Position of the message that a replay begins with; None where it is not known."""
        if checkpoint is None or not self._ring.end:
            return 0
        at = bisect_left(self._numbers, checkpoint.replay_from)
        is_there = at < len(self._numbers) and self._numbers[at] == checkpoint.replay_from
        return self._places[at] if is_there else None

    def _trim(self) -> None:
        """Forget the numbers of messages that are not kept, but the newest, above which the next one must rise."""
        gone = min(bisect_left(self._places, self._ring.start), len(self._places) - 1)
        if gone > 0:
            del self._numbers[:gone], self._places[:gone]


class KeptBody:
    """An upload, from its first byte on: in memory, then in a temporary file without a name.

    Where that file has no room, or would take the room that decoding needs, nothing is kept any more.
    """

    def __init__(self, folder: Path | None, spare_bytes: int) -> None:
        """`spare_bytes`: what has to stay free of the folder's file system, at most half of it."""
        self._folder = folder
        self._spare_bytes = spare_bytes
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES, dir=None if folder is None else str(folder))  # noqa: SIM115  closed by `close`
        self._size = 0
        self._at = 0
        """Bytes sent so far."""
        self._newest = b""
        """What was appended last, so that it is not read again to be sent."""
        self._ends = array("Q")
        """Where each piece ends."""
        self._is_whole = True

    async def append(self, data: bytes, arrived: float) -> None:  # noqa: ARG002  nobody asks when an upload arrived
        self._newest = data
        if self._is_whole:
            if self._size + len(data) <= MEMORY_BYTES:
                self._write(data)
            else:
                await asyncio.to_thread(self._write, data)
        self._size += len(data)
        self._ends.append(self._size)

    async def take(self) -> Sent | None:
        if self._at == self._size:
            return None
        if self._at == self._size - len(self._newest):
            data = self._newest
        elif not self._is_whole:
            raise WorkerFailed("The upload cannot be sent to another decoding process: there was no room to keep it.")
        else:
            data = await asyncio.to_thread(self._read)
        self._at += len(data)
        return Sent(data, 0.0)

    def forget(self, checkpoint: ResumePoint) -> None:  # noqa: ARG002  uploads are sent again as a whole
        return

    def can_rewind(self, checkpoint: ResumePoint | None) -> bool:  # noqa: ARG002
        return self._is_whole

    def rewind(self, checkpoint: ResumePoint | None) -> int:  # noqa: ARG002
        if not self._is_whole:
            raise LookupError("the upload was not kept")
        self._at = 0
        return 0

    def close(self) -> None:
        self._is_whole = False
        with suppress(OSError):  # a full disk fails once more when what is buffered is written
            self._file.close()

    def _write(self, data: bytes) -> None:
        try:
            if self._size + len(data) > MEMORY_BYTES and not self._has_room(len(data)):
                self.close()
                return
            self._file.seek(self._size)
            self._file.write(data)
        except OSError:
            self.close()

    def _has_room(self, size: int) -> bool:
        usage = disk_usage(self._folder if self._folder is not None else tempfile.gettempdir())
        return usage.free - size >= min(self._spare_bytes, usage.total // 2)

    def _read(self) -> bytes:
        try:
            self._file.seek(self._at)
            data = self._file.read(self._ends[bisect_right(self._ends, self._at)] - self._at)
        except (OSError, ValueError) as error:
            raise WorkerFailed("What was kept of the upload could not be read.") from error
        if not data:
            raise WorkerFailed("What was kept of the upload is not all there.")
        return data


def kept_for(options: SessionOptions, resume: ResumePoint | None) -> Kept:
    """What keeps the media of a session that is decoded like this and begins here."""
    if not options.live:
        return KeptBody(options.spool_dir, options.limits.max_spool_bytes)
    # What has once been in time is not dropped as late because its process ended.
    renews = options.max_delay is not None
    return KeptMessages(renews=renews) if options.input == "frames" else KeptChunks(resume, renews=renews)
