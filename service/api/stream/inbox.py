"""Media that has arrived and waits for its decoding process."""

import asyncio
from collections import deque
from typing import Final

OVERHEAD: Final = 256
"""Bytes that a message takes beside its content, with room to spare; many tiny ones are bounded by it."""


class Inbox:
    """A queue bounded in bytes: whoever brings more waits, but one message is always taken."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._waiting: deque[tuple[bytes | None, float]] = deque()
        self._changed = asyncio.Condition()

    async def put(self, data: bytes | None, arrived: float) -> None:
        """Add media that arrived at a time on the monotonic clock, None for its end, waiting while there is no room."""
        size = _size(data)
        async with self._changed:
            await self._changed.wait_for(lambda: not self._waiting or self._bytes + size <= self._max_bytes)
            self._waiting.append((data, arrived))
            self._bytes += size
            self._changed.notify_all()

    async def get(self) -> tuple[bytes | None, float]:
        """The oldest, waiting until there is one."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting)
            data, arrived = self._waiting.popleft()
            self._bytes -= _size(data)
            self._changed.notify_all()
            return data, arrived


def _size(data: bytes | None) -> int:
    return len(data or b"") + OVERHEAD
