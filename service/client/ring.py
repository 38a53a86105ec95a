"""Media that a lost connection may need again."""

from bisect import bisect_right
from typing import NamedTuple


class _Piece(NamedTuple):
    start: int
    end: int
    data: bytes


class Ring:
    """What is still to be sent, and what was sent from some position on.

    A position is a byte offset where pieces are chunks of a recording, a sequence number where they are messages.
    Beyond `limit` bytes the oldest of what was sent is dropped, never anything that is still to be sent; how much that
    is, the caller bounds. The first `head` bytes ever appended are kept beside it.
    """

    def __init__(self, limit: int, *, head: int) -> None:
        self._limit = limit
        self._head_size = head
        self._head = bytearray()
        self._pieces: list[_Piece] = []
        self._next = 0
        """Index of the piece that is sent next."""
        self._size = 0
        self.unsent = 0
        """Bytes still to be sent."""
        self.end = 0
        """Position behind the last piece."""

    @property
    def start(self) -> int:
        """Position of the oldest piece kept."""
        return self._pieces[0].start if self._pieces else self.end

    def append(self, data: bytes, extent: int) -> None:
        """Add what comes next: a chunk, whose `extent` is its length, or a message, whose `extent` is 1."""
        self._pieces.append(_Piece(self.end, self.end + extent, data))
        self._head += data[: self._head_size - len(self._head)]
        self.end += extent
        self.unsent += len(data)
        self._size += len(data)
        self._shrink()

    def take(self) -> bytes | None:
        """The next piece to send, which then counts as sent; None where nothing waits."""
        if self._next == len(self._pieces):
            return None
        data = self._pieces[self._next].data
        self._next += 1
        self.unsent -= len(data)
        self._shrink()
        return data

    def can_resume(self, position: int, head: int) -> bool:
        """Whether the first `head` bytes and everything from `position` on are still here."""
        return self.start <= position <= self.end and head <= len(self._head)

    def rewind(self, position: int, head: int) -> bytes:
        """Make everything from `position` on wait to be sent again; the first `head` bytes, to be sent before that.

        Raises LookupError where they are not kept any more.
        """
        if not self.can_resume(position, head):
            raise LookupError(position)
        index = bisect_right(self._pieces, position, key=lambda piece: piece.end)
        if index < len(self._pieces) and self._pieces[index].start < position:
            # Only a chunk can be cut: a message is one position long.
            start, end, data = self._pieces[index]
            cut = position - start
            self._pieces[index : index + 1] = [_Piece(start, position, data[:cut]), _Piece(position, end, data[cut:])]
            index += 1
        self._next = index
        self.unsent = sum(len(piece.data) for piece in self._pieces[index:])
        return bytes(self._head[:head])

    def forget(self, position: int) -> None:
        """Drop what was sent before `position`."""
        self._drop(bisect_right(self._pieces, position, hi=self._next, key=lambda piece: piece.end))

    def _shrink(self) -> None:
        surplus, count = self._size - self._limit, 0
        while surplus > 0 and count < self._next:
            surplus -= len(self._pieces[count].data)
            count += 1
        self._drop(count)

    def _drop(self, count: int) -> None:
        self._size -= sum(len(piece.data) for piece in self._pieces[:count])
        del self._pieces[:count]
        self._next -= count
