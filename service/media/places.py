"""Places in the input, and the few of them that are remembered so that reading can begin there again."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

APART = Fraction(1, 4)
"""Seconds of media between two remembered places; closer ones would hardly shorten a replay."""

MOST = 128
"""Places remembered for each stream: at least 32 seconds."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a packet, or a message, was found."""

    position: int
    """Its byte offset, or its sequence number."""
    restart: int | None
    """The newest place up to it where reading may begin; None if there is none."""
    arrived: float
    """When its last byte arrived, on the monotonic clock; 0 where nobody noted it."""


class Trail(Generic[T]):
    """The newest places of a stream, thinned out, so that memory is bounded however long it runs."""

    def __init__(self) -> None:
        self._points: deque[T] = deque(maxlen=MOST)
        self._last: Fraction | None = None
        self._forgotten = False

    def add(self, at: Fraction, point: T, *, always: bool = False) -> None:
        """Remember `point`, at so many seconds of media, unless it is close to the one before and need not `always`."""
        if not (always or self.wants(at)):
            return
        self._forgotten |= len(self._points) == MOST
        self._points.append(point)
        self._last = at

    def wants(self, at: Fraction) -> bool:
        """Whether a point at so many seconds would be remembered."""
        return self._last is None or at - self._last >= APART

    def newest(self, fits: Callable[[T], bool]) -> T | None:
        """The newest point that fits, if any."""
        return next((point for point in reversed(self._points) if fits(point)), None)

    @property
    def first(self) -> T | None:
        """The first point of all; None where there is none, or it is forgotten."""
        return None if self._forgotten or not self._points else self._points[0]
