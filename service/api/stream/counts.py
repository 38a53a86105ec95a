"""What became of a session's pictures: for the metrics, and for the client where some were dropped."""

import math
import time
from collections.abc import Callable
from dataclasses import astuple
from typing import Final

from prometheus_client import Counter

from service.domain import FrameCounts
from service.protocol.messages import FramesDropped

NEWS_SECONDS: Final = 1.0
"""Least time between two messages of dropped pictures."""
_FATES: Final = ("measured", "off_grid", "late", "invalid", "absent")
_DROPPED: Final = ("late", "invalid", "absent")


class Counts:
    """Follows the counts of one session as they grow."""

    def __init__(self, counter: Counter, *, resumed: bool, clock: Callable[[], float] = time.monotonic) -> None:
        """`resumed`: the first counts are those of the connections before; the dropped ones are told once more."""
        self._counter = counter
        self._clock = clock
        self._resumed = resumed
        self._counted = FrameCounts()
        self._told = _dropped(self._counted)
        self._told_at = -math.inf

    def news(self, counts: FrameCounts) -> FramesDropped | None:
        """Count what is new in `counts`; what to tell the client, now and then, where more pictures were dropped."""
        if self._resumed and counts != self._counted:
            self._resumed = False
            self._counted = counts  # but not told: pictures may have been dropped since the client last heard
        for fate in _FATES:
            # While a picture waits to be measured it may move from one count to another.
            self._counter.labels(fate).inc(max(0, getattr(counts, fate) - getattr(self._counted, fate)))
        # Counts go back where the session goes on in another process; nothing is counted twice.
        self._counted = FrameCounts(*map(max, astuple(self._counted), astuple(counts)))
        dropped = _dropped(counts)
        now = self._clock()
        if dropped == self._told or now - self._told_at < NEWS_SECONDS:
            return None
        self._told, self._told_at = dropped, now
        return FramesDropped(dropped=dropped)


def _dropped(counts: FrameCounts) -> dict[str, int]:
    return {reason: getattr(counts, reason) for reason in _DROPPED}
