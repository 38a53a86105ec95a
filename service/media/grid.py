"""Sample and hold: from frames at any times to the steps of the 25 Hz grid."""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Generic, TypeVar

from service.representation import ABSENCE, STEP_RATE

TOLERANCE = Fraction(1, 2000)
"""Seconds by which a frame may miss a step and still be on time for it: containers round times to milliseconds."""

_HOLD = Fraction(ABSENCE)
_STEP = Fraction(1, STEP_RATE)

T = TypeVar("T")


class StepGrid(Generic[T]):
    """Gives, for each step k, the first frame that is on time for it, otherwise the newest one before it.

    A frame is on time for step k where its time is k / 25, give or take `TOLERANCE`; such a step need not wait for the
    next frame. A frame is held at most `ABSENCE` seconds; steps without a frame are left out, so that a gap of any
    length costs nothing. Frames older than the newest are ignored. Times are in seconds; steps never repeat or go back.
    """

    def __init__(self, step: int = 0) -> None:
        """Begin with step number `step`."""
        self._frame: T | None = None
        self._time = Fraction(0)
        self._duration = Fraction(0)
        self._step = step

    def takes(self, time: Fraction) -> bool:
        """Whether a frame of this time is not older than the newest."""
        return self._frame is None or time >= self._time

    def push(self, time: Fraction, duration: Fraction, frame: T) -> Iterator[tuple[int, T]]:
        """Take the next frame; gives the steps that the one before it was on show, and the one it is on time for."""
        if not self.takes(time):
            return
        yield from self._hold(time)
        self._frame, self._time, self._duration = frame, time, duration
        step = max(self._step, ceil((time - TOLERANCE) * STEP_RATE))
        if step * _STEP <= time + TOLERANCE:
            self._step = step + 1
            yield step, frame

    def rest(self) -> Iterator[tuple[int, T]]:
        """All steps for which the last frame is held, where no other one will come for them."""
        yield from self._hold(self._time + _HOLD + _STEP)

    def finish(self) -> Iterator[tuple[int, T]]:
        """The steps of the last frame, which is on show for its own duration."""
        yield from self._hold(self._time + self._duration)

    def _hold(self, end: Fraction) -> Iterator[tuple[int, T]]:
        if self._frame is None:
            return
        self._step = max(self._step, ceil((self._time - TOLERANCE) * STEP_RATE))
        last = min(end - TOLERANCE, self._time + _HOLD + TOLERANCE)
        while self._step * _STEP < last:
            self._step += 1
            yield self._step - 1, self._frame
