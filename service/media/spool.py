"""A bounded temporary file for recordings that cannot be read front to back."""

import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from service.errors import BodyTooLarge, Unavailable
from service.media.source import MediaSource

_CHUNK = 256 * 1024


class Spool:
    """The whole of a source in a seekable temporary file.

    The file has no name from the moment it is opened (POSIX), so that not even a killed process leaves it behind.
    Use it as a context manager; FFmpeg reads it by `read`, `seek` and `tell`.
    """

    def __init__(self, folder: Path | None) -> None:
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by __exit__
        except OSError as error:
            raise Unavailable("No temporary file could be opened.") from error
        self.size = 0
        """Bytes in the file."""

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # a full disk, reported by `fill`, fails once more when the buffer is flushed
            self._file.close()

    def fill(self, source: MediaSource, max_bytes: int) -> None:
        """Copy `source` from its first byte to its end and rewind.

        Raises `BodyTooLarge` beyond `max_bytes`, `Unavailable` where the disk is full, and what stopped the source.
        """
        source.rewind()
        source.release()
        try:
            while chunk := source.read(_CHUNK):
                self.size += len(chunk)
                if self.size > max_bytes:
                    raise BodyTooLarge(
                        f"The recording can be read only as a whole (its index comes last or its streams lie far "
                        f"apart) and has more than {max_bytes} bytes; rewrite it with the index first."
                    )
                self._file.write(chunk)
            self._file.seek(0)
        except OSError as error:
            raise Unavailable("The temporary file could not be written.") from error
        source.check()

    def read(self, size: int) -> bytes:
        """At most `size` bytes from the current position."""
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the current position, as a file does."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The current position."""
        return self._file.tell()
