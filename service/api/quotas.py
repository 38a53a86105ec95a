"""What each caller may use of this replica: requests in a minute, live sessions at once."""

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from service.api.admission import RETRY_AFTER
from service.errors import QuotaExceeded, RateLimited

WINDOW: Final = 60.0
"""Seconds over which requests are counted."""


class Quotas:
    """Counts by the name of the caller's key; without keys everybody is one caller. For use from one event loop."""

    def __init__(self, requests_per_minute: int, sessions: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """0 means no limit."""
        self._most_requests = requests_per_minute
        self._most_sessions = sessions
        self._clock = clock
        self._requests: defaultdict[str, deque[float]] = defaultdict(deque)
        """When each request of the last minute came, for each name of a key; no more of them than allowed."""
        self._sessions: defaultdict[str, int] = defaultdict(int)

    def count_request(self, caller: str) -> None:
        """Count one request. Raises `RateLimited` for one too many, which does not count."""
        if not self._most_requests:
            return
        now, times = self._clock(), self._requests[caller]
        while times and times[0] <= now - WINDOW:
            times.popleft()
        if len(times) >= self._most_requests:
            raise RateLimited(
                f"A key may make {self._most_requests} requests in a minute here.",
                retry_after=max(1, math.ceil(times[0] + WINDOW - now)),
            )
        times.append(now)

    @contextmanager
    def session(self, caller: str) -> Iterator[None]:
        """Hold one of the caller's live sessions. Raises `QuotaExceeded` when all are taken."""
        if self._most_sessions and self._sessions[caller] >= self._most_sessions:
            raise QuotaExceeded(
                f"A key may have {self._most_sessions} live sessions at once here.", retry_after=RETRY_AFTER
            )
        self._sessions[caller] += 1
        try:
            yield
        finally:
            self._sessions[caller] -= 1
