"""A recording's header and a later part of it, read as one recording with a hole in it."""

from service.media.source import ByteSource, arrivals

_ZEROS = bytes(32 * 1024)


class Rejoined:
    """Gives the first bytes of `source`, padding up to byte `replay_from`, then the rest of `source`.

    The padding is an element that readers of the container skip. With it every byte of the rest lies where it lay in
    the whole recording: offsets that the container holds stay true, and so do the positions that a checkpoint names.
    """

    def __init__(self, source: ByteSource, container: str, init_bytes: int, replay_from: int) -> None:
        self._source = source
        self._arrival = arrivals(source)
        self._init_bytes = init_bytes
        self._replay_from = replay_from
        self._head = _padding(container, replay_from - init_bytes)
        self._position = 0

    def read(self, size: int, /) -> bytes:
        """As `ByteSource.read`."""
        if self._position < self._init_bytes:
            chunk = self._source.read(min(size, self._init_bytes - self._position))
        elif self._position < self._replay_from:
            at = self._position - self._init_bytes
            chunk = self._head[at : at + size] or _ZEROS[: min(size, self._replay_from - self._position)]
        else:
            chunk = self._source.read(size)
        self._position += len(chunk)
        return chunk

    def arrival(self, offset: int) -> float:
        """When the byte at `offset` of the whole recording came; 0 for padding and where nobody knows."""
        if offset < self._init_bytes:
            return self._arrival(offset)
        if offset < self._replay_from:
            return 0.0
        return self._arrival(offset - self._replay_from + self._init_bytes)


def _padding(container: str, size: int) -> bytes:
    """The header of an element without meaning that takes `size` bytes in all, itself included."""
    if not size:
        return b""
    if container == "matroska":  # a Void element
        return b"\xec" + (bytes([0x80 | size - 2]) if size < 9 else b"\x01" + (size - 9).to_bytes(7, "big"))
    if size < 1 << 32:
        return size.to_bytes(4, "big") + b"free"
    return b"\0\0\0\x01free" + size.to_bytes(8, "big")
