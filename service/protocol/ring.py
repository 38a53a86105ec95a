"""Media that a lost connection, or a lost decoding process, may need again."""

from bisect import bisect_right
from typing import NamedTuple


class Piece(NamedTuple):
    """A chunk of a recording, or a message."""

    start: int
    """Position of its first byte, or its own."""
    end: int
    data: bytes
    at: float
    """When it was appended, on whatever clock the owner of the ring reads; 0 where nobody asks."""


class Ring:
    """What is still to be sent, and what was sent from some position on.

    A position is a byte offset where pieces are chunks of a recording, a sequence number where they are messages.
    Beyond `limit` bytes the oldest of what was sent is dropped, never anything that is still to be sent; how much that
    is, the caller bounds. The first `head` bytes ever appended are kept beside it.
    """

    def __init__(self, limit: int, *, head: int, start: int = 0, overhead: int = 0) -> None:
        """`start`: position of the first piece. `overhead`: bytes that a piece counts for beside its own, where whoever
        sends it may choose to send tiny ones."""
        self._limit = limit
        self._head_size = head
        self._head = bytearray()
        self._overhead = overhead
        self._pieces: list[Piece] = []
        self._next = 0
        """Index of the piece that is sent next."""
        self._size = 0
        self.unsent = 0
        """Bytes still to be sent."""
        self.end = start
        """Position behind the last piece."""

    @property
    def start(self) -> int:
        """Position of the oldest piece kept."""
        return self._pieces[0].start if self._pieces else self.end

    @property
    def sent(self) -> int:
        """Position behind the last piece sent."""
        return self._pieces[self._next].start if self._next < len(self._pieces) else self.end

    def append(self, data: bytes, extent: int, at: float = 0.0) -> None:
        """Add what comes next: a chunk, whose `extent` is its length, or a message, whose `extent` is 1."""
        self._pieces.append(Piece(self.end, self.end + extent, data, at))
        self._head += data[: self._head_size - len(self._head)]
        self.end += extent
        self.unsent += len(data)
        self._size += len(data) + self._overhead
        self._shrink()

    def take(self) -> Piece | None:
        """The next piece to send, which then counts as sent; None where nothing waits."""
        if self._next == len(self._pieces):
            return None
        piece = self._pieces[self._next]
        self._next += 1
        self.unsent -= len(piece.data)
        self._shrink()
        return piece

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
            start, end, data, at = self._pieces[index]
            cut = position - start
            self._pieces[index : index + 1] = [
                Piece(start, position, data[:cut], at),
                Piece(position, end, data[cut:], at),
            ]
            self._size += self._overhead
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
            surplus -= len(self._pieces[count].data) + self._overhead
            count += 1
        self._drop(count)

    def _drop(self, count: int) -> None:
        self._size -= sum(len(piece.data) + self._overhead for piece in self._pieces[:count])
        del self._pieces[:count]
        self._next -= count
