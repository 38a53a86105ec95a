"""A decoding process whose code has faults: `hostile_child.py TALLY START`. Some pieces of media set one off.

Such a piece is a magic word and what it does. Each line of the file TALLY says that it was done; `once` before its name
does it the first time only.
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from service.workers import child, feed
from service.workers.feed import CHUNK, FeedFrame, FeedReader
from service.workers.start import Start

_MEGABYTE: Final = 2**20
_MAGIC: Final = b"!set this off: "
_next = FeedReader.next
_hoard: list[bytearray] = []


def _crash() -> None:
    ctypes.string_at(0)


def _crash_elsewhere() -> None:
    """In a thread that Python knows nothing of."""
    thread = ctypes.c_ulong()
    ctypes.CDLL(None).pthread_create(ctypes.byref(thread), None, ctypes.c_void_p(16), None)
    time.sleep(60)


def _kill() -> None:
    signal.raise_signal(signal.SIGKILL)


def _hang() -> None:
    time.sleep(600)


def _hang_all() -> None:
    ctypes.PyDLL(None).sleep(600)  # it keeps the interpreter's lock


def _nap() -> None:
    time.sleep(1.5)


def _exhaust() -> None:
    bytearray(2**44)


def _bloat() -> None:
    for _ in range(23):
        _hoard.append(bytearray(b"x") * (64 * _MEGABYTE))
    time.sleep(600)


DEEDS: Final[dict[str, Callable[[], None]]] = {
    "crash": _crash,
    "crash elsewhere": _crash_elsewhere,
    "abort": os.abort,
    "kill": _kill,
    "hang": _hang,
    "hang all": _hang_all,
    "nap": _nap,
    "exhaust": _exhaust,
    "bloat": _bloat,
}


def piece(deed: str) -> bytes:
    """The piece of media that sets it off."""
    return _MAGIC + deed.encode()


def _hostile(tally: BinaryIO) -> Callable[[FeedReader], FeedFrame]:
    def following(reader: FeedReader) -> FeedFrame:
        while (frame := _next(reader)).kind == CHUNK and frame.payload.startswith(_MAGIC):
            name = frame.payload.removeprefix(_MAGIC)
            tally.seek(0)
            done = tally.read().splitlines()
            if name.startswith(b"once ") and name in done:
                continue
            tally.write(name + b"\n")
            if name == b"babble":
                reader._connection.sendall(b"\xff" * 64)
                time.sleep(60)
            else:
                DEEDS[name.decode().removeprefix("once ")]()
        return frame

    return following


if __name__ == "__main__":
    # Opened before the process confines itself; each process that comes adds to it.
    with Path(sys.argv[1]).open("a+b", buffering=0) as file:
        feed.FeedReader.next = _hostile(file)  # type: ignore[assignment, method-assign]
        child.main(Start.from_json(sys.argv[2]))
