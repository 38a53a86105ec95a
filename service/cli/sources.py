"""The inputs of the command: files, pipes and standard input, with a code for each way to be unreadable."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from service.errors import AttuneError

STDIN = "-"


class FileMissing(AttuneError):
    """There is no such file."""

    code, status, title = "file_missing", 404, "No such file"


class NotAFile(AttuneError):
    """The path names a folder or something else that cannot be read as a file."""

    code, status, title = "not_a_file", 422, "Not a file"


class FileUnreadable(AttuneError):
    """The file may not be read, or reading it failed."""

    code, status, title = "file_unreadable", 422, "File cannot be read"


def printable(name: str) -> str:
    """`name` as one line of valid text: bytes that are no text and control characters are escaped."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class SourceFile:
    """An open input. It is the `ByteSource` that `service.media` reads."""

    def __init__(self, stream: FileIO) -> None:
        self._stream = stream
        status = os.fstat(stream.fileno())
        self._size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        self._read = 0

    @property
    def size(self) -> int | None:
        """Bytes of the file; None for a pipe, whose length nobody knows."""
        return self._size or None

    @property
    def share_read(self) -> float | None:
        """The part of the file that has been read, 0 to 1; None for a pipe, whose length nobody knows."""
        return min(self._read / self._size, 1.0) if self._size else None

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; `b""` at the end. Raises `FileUnreadable` where the system cannot read on."""
        try:
            chunk = self._stream.read(size) or b""
        except OSError as error:
            raise FileUnreadable(f"Reading failed: {error.strerror}.") from error
        self._read += len(chunk)
        return chunk


@contextmanager
def open_source(name: str) -> Iterator[SourceFile]:
    """Open a path, or standard input for `-`. Raises `FileMissing`, `NotAFile` or `FileUnreadable`."""
    try:
        # Unbuffered: what a pipe holds is handed on as it comes.
        stream = FileIO(sys.stdin.fileno(), closefd=False) if name == STDIN else FileIO(name)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing("There is no such file.") from error
    except IsADirectoryError as error:
        raise NotAFile("This is a folder; name the files in it.") from error
    except PermissionError as error:
        raise FileUnreadable("You may not read this file.") from error
    except (OSError, ValueError) as error:
        raise FileUnreadable(f"The file cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    with stream:
        yield SourceFile(stream)


def can_be_read_twice(name: str) -> bool:
    """Whether a second pass over the input is possible: a regular file, not a pipe or standard input."""
    try:
        return name != STDIN and stat.S_ISREG(Path(name).stat().st_mode)
    except (OSError, ValueError):
        return False
