"""What happens to files, as the kernel tells it: inotify(7)."""

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

OPENED: Final = 0x20
"""IN_OPEN"""
MADE: Final = 0x100 | 0x80
"""IN_CREATE, IN_MOVED_TO: a file gets a name, which one that is opened without (O_TMPFILE) never does."""

_EVENT: Final = struct.Struct("iIII")


@dataclass
class Watch:
    """Notes what happens at some paths while it is open."""

    descriptor: int
    paths: dict[int, Path] = field(default_factory=dict)

    def seen(self) -> list[Path]:
        """The files of which something was noted since the last call."""
        found = []
        try:
            data = os.read(self.descriptor, 1 << 20)
        except BlockingIOError:
            return []
        while data:
            number, _, _, length = _EVENT.unpack_from(data)
            name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0").decode()
            found.append(self.paths[number] / name)
            data = data[_EVENT.size + length :]
        return found


@contextmanager
def watching(paths: Iterable[Path], what: int) -> Iterator[Watch]:
    """Watch files, or folders without those within."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = Watch(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        for path in paths:
            number = libc.inotify_add_watch(watch.descriptor, os.fsencode(path), what)
            assert number >= 0, os.strerror(ctypes.get_errno())
            watch.paths[number] = path
        yield watch
    finally:
        os.close(watch.descriptor)
