"""Sample and hold: from frames at any times to the steps of the 25 Hz grid."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Generic, TypeVar

from service.representation import ABSENCE, STEP_RATE

TOLERANCE = Fraction(1, 2000)
"""Seconds by which a frame may come after a step and still be on show in it: containers round times to milliseconds."""

_HOLD = Fraction(ABSENCE)
_STEP = Fraction(1, STEP_RATE)

T = TypeVar("T")


class StepGrid(Generic[T]):
    """Gives, for each step k, the newest frame whose time is at most k / 25.

    A frame is held at most `ABSENCE` seconds; steps without a frame are left out, so that a gap of any length costs
    nothing. Frames older than the newest are ignored. Times are in seconds; steps never repeat or go back.
    """

    def __init__(self) -> None:
        self._frame: T | None = None
        self._time = Fraction(0)
        self._duration = Fraction(0)
        self._step = 0

    def push(self, time: Fraction, duration: Fraction, frame: T) -> Iterator[tuple[int, T]]:
        """Take the next frame; gives the steps that the one before it was on show."""
        if self._frame is not None and time < self._time:
            return
        yield from self._show(time)
        self._frame, self._time, self._duration = frame, time, duration

    def finish(self) -> Iterator[tuple[int, T]]:
        """The steps of the last frame, which is on show for its own duration."""
        yield from self._show(self._time + self._duration)

    def _show(self, end: Fraction) -> Iterator[tuple[int, T]]:
        if self._frame is None:
            return
        self._step = max(self._step, ceil((self._time - TOLERANCE) * STEP_RATE))
        last = min(end - TOLERANCE, self._time + _HOLD + TOLERANCE)
        while self._step * _STEP < last:
            yield self._step, self._frame
            self._step += 1
