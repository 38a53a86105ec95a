"""What a decoding process leaves behind of its end: memory that both sides share and that outlives it.

It begins with a table of `CELLS` cells, one for each session that it carries (by the session's number, modulo `CELLS`):
the time since which the session's thread has had bytes in hand (float64, on the monotonic clock, which processes of one
machine share; 0 while it waits for bytes, or for the service to take what it sends), the identifier of the thread
(uint64; 0 for none), how much media it has taken (uint64: bytes of a container, or messages), and the step after the
last that it has come to (uint64). Behind the table `faulthandler` writes its report when a fatal signal strikes: in
which thread.

The process has read untrusted bytes, so the service reads all of this as it reads a file: bounded, and never mapped,
since memory that the other side shrinks kills whoever touches it.
"""

import faulthandler
import mmap
import os
import re
import signal
import struct
import sys
import tempfile
from collections.abc import Collection
from time import monotonic
from typing import Final

CELLS: Final = 4096
"""Far more than sessions in one process: a number comes round again long after its thread has ended."""

_CELL: Final = struct.Struct("<dQQQ")
_SINCE: Final = struct.Struct("<d")
_NUMBER: Final = struct.Struct("<Q")
_TAKEN_AT, _STEP_AT = 16, 24
_TABLE_BYTES: Final = CELLS * _CELL.size
_REPORT_BYTES: Final = 64 * 1024
_STRUCK: Final = re.compile(rb"^Current thread 0x([0-9a-fA-F]{1,16}) ", re.MULTILINE)
_REPORTED: Final = (signal.SIGSYS, signal.SIGXCPU)
"""Signals by which the kernel ends a process for what it did, beside those that `faulthandler` knows as fatal."""


class BlackBox:
    """The service's end. Raises OSError where there is no room for it."""

    def __init__(self) -> None:
        self.descriptor = _memory()
        """To be inherited by the process."""
        try:
            os.ftruncate(self.descriptor, _TABLE_BYTES)
            os.lseek(self.descriptor, _TABLE_BYTES, os.SEEK_SET)  # the process shares the position, and writes there
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.descriptor)

    def in_hand(self, numbers: Collection[int]) -> dict[int, float]:
        """Which of these sessions have bytes in hand, and since when."""
        since = {number: self._cell(number)[0] for number in numbers}
        return {number: time for number, time in since.items() if time > 0}

    def place(self, number: int) -> tuple[int, int]:
        """How much media this session has taken, and the step after the last that it has come to."""
        _, _, taken, step = self._cell(number)
        return taken, step

    def struck(self, numbers: Collection[int]) -> int | None:
        """Which of these sessions a fatal signal struck in its own thread; None where it was none of them, or nobody
        knows."""
        report = os.pread(self.descriptor, _REPORT_BYTES, _TABLE_BYTES)
        if not (found := _STRUCK.search(report)):
            return None
        thread = int(found[1], 16)
        return next((number for number in numbers if thread and self._cell(number)[1] == thread), None)

    def _cell(self, number: int) -> tuple[float, int, int, int]:
        data = os.pread(self.descriptor, _CELL.size, number % CELLS * _CELL.size)
        if len(data) < _CELL.size:  # the process has shrunk it
            return 0.0, 0, 0, 0
        since, thread, taken, step = _CELL.unpack(data)
        return since, thread, taken, step


class Hand:
    """What one session's thread writes down: whether it has bytes in hand."""

    def __init__(self, table: mmap.mmap | bytearray, number: int) -> None:
        self._table = table
        self._at = number % CELLS * _CELL.size
        self._taken = 0

    def begin(self, thread: int) -> None:
        """The session runs in this thread from now on."""
        _CELL.pack_into(self._table, self._at, monotonic(), thread, 0, 0)

    def take(self, media: int = 0) -> None:
        """There is something to be done, with so much more media."""
        _SINCE.pack_into(self._table, self._at, monotonic())
        if media:
            self._taken += media
            _NUMBER.pack_into(self._table, self._at + _TAKEN_AT, self._taken)

    def come_to(self, step: int) -> None:
        """This step is done, new or not."""
        _NUMBER.pack_into(self._table, self._at + _STEP_AT, step + 1)

    def rest(self) -> None:
        """There is nothing to be done but to wait for the service."""
        _SINCE.pack_into(self._table, self._at, 0.0)

    def end(self) -> None:
        """The thread has nothing more to do with the session."""
        _CELL.pack_into(self._table, self._at, 0.0, 0, 0, 0)


class Recorder:
    """The process's end."""

    def __init__(self, descriptor: int) -> None:
        self._table = mmap.mmap(descriptor, _TABLE_BYTES)
        faulthandler.enable(descriptor)
        for number in _REPORTED:
            faulthandler.register(number, descriptor, all_threads=True, chain=True)

    def busy(self) -> dict[int, float]:
        """The threads with bytes in hand, and since when."""
        cells = _CELL.iter_unpack(self._table[:])
        return {thread: since for since, thread, _, _ in cells if thread and since > 0}

    def hand(self, number: int) -> Hand:
        """What the thread of the session with this number writes to."""
        return Hand(self._table, number)


def _memory() -> int:
    """A descriptor of anonymous memory."""
    if sys.platform == "linux":
        return os.memfd_create("attune black box", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
