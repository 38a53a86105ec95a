"""How many analyses, and how many live sessions, run at once. There is no queue: one more is refused at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from service.errors import Busy

RETRY_AFTER: Final = 2
"""Seconds after which another try may find a place."""


class Admission:
    """Counts what runs, up to `limit`. For use from one event loop."""

    def __init__(self, limit: int, what: str) -> None:
        """`what` names it to callers, in the plural."""
        self._limit = limit
        self._what = what
        self.active = 0
        self.idle = asyncio.Event()
        """Set while nothing runs."""
        self.idle.set()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one place. Raises `Busy` when all are taken."""
        if self.active >= self._limit:
            raise Busy(f"{self._limit} {self._what} are running, as many as allowed at once.", retry_after=RETRY_AFTER)
        self.active += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.active -= 1
            if not self.active:
                self.idle.set()
