"""How many analyses run at once. There is no queue: one more is refused at once, and the caller may come back."""

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import Busy


class Admission:
    """Counts running analyses up to `limit`. For use from one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.active = 0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one place. Raises `Busy` when all are taken."""
        if self.active >= self._limit:
            raise Busy(f"{self._limit} analyses are running, as many as allowed at once.")
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1
