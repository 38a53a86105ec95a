"""Frames to the pictures of the grid: each one's number and fate, and how to go on from any recent step."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from service.domain import FrameCounts, Picture
from service.media.grid import StepGrid
from service.media.live import Live
from service.representation import STEP_RATE

REMEMBERED = 20 * STEP_RATE
"""Pictures given last whose fate is remembered; perception asks for steps up to some seconds back."""

Fate = Literal["measured", "off_grid", "late", "invalid"]
FATES: tuple[Fate, ...] = get_args(Fate)

Render = Callable[[], NDArray[np.uint8] | None]
"""Makes the image of a frame; None where it turns out to be damaged."""


@dataclass(frozen=True, slots=True)
class Seam:
    """How pictures go on from a step, once the frames from number `needed` on are pushed again."""

    step: int = 0
    """The first step that is not known to have been given."""
    counts: FrameCounts = field(default_factory=FrameCounts)
    """What became of the frames below number `counts.received`; the others are yet to be counted."""
    held: Fate | None = None
    """What became of the newest of those, where it may still be on show."""
    needed: int = 0
    """Number of the frame that is on show at `step`, or of an older one."""

    def to_json(self) -> dict[str, object]:
        """As JSON, `needed` left out."""
        return {"step": self.step, "counts": [getattr(self.counts, fate) for fate in FATES], "held": self.held}


def read_seam(state: dict[str, Any]) -> Seam:
    """The inverse of `Seam.to_json`."""
    counts = dict(zip(FATES, state["counts"], strict=True))
    return Seam(state["step"], FrameCounts(received=sum(state["counts"]), **counts), state["held"])


@dataclass(slots=True)
class _Shot:
    """A frame that becomes an image only if a step shows it."""

    number: int
    arrived: float
    render: Render | None
    """None once it has been used, or is not needed."""
    image: NDArray[np.uint8] | None = None
    fate: Fate | None = None
    before: FrameCounts = field(default_factory=FrameCounts)
    """What had become of the frames before this one."""
    after: FrameCounts = field(default_factory=FrameCounts)
    """The same with this one."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What is remembered of a picture that has been given."""

    step: int
    number: int
    fate: Fate | None
    before: FrameCounts
    after: FrameCounts


class Pictures:
    """Frames in, pictures out. Numbers run from 0 in the order of receipt; each frame is counted once."""

    def __init__(self, live: Live | None, seam: Seam | None = None, number: int = 0) -> None:
        """Begin anew, or as `seam` says, where the first frame has the number `number`."""
        seam = seam or Seam()
        self._live = live
        self._grid = StepGrid[_Shot](seam.step)
        self._current: _Shot | None = None
        self._first: tuple[int, FrameCounts] | None = None
        self._given: deque[_Given] = deque(maxlen=REMEMBERED)
        self._forgotten = False
        self._counted_from = seam.counts.received
        self._held = seam.held
        self.counts = seam.counts
        """What became of the frames whose fate is known, as if each one that was given had been measured."""
        self.number = number
        """The number that the next frame gets."""
        if self._counted_from:
            last = self._counted_from - 1
            self._given.append(_Given(seam.step - 1, last, seam.held, seam.counts, seam.counts))

    def takes(self, time: Fraction) -> bool:
        """Whether a frame of this time is not older than the newest."""
        return self._grid.takes(time)

    def reject(self) -> bool:
        """Count a frame that is no picture; tells whether it had not been counted before."""
        self._count(self.number, "invalid")
        self.number += 1
        return self.number > self._counted_from

    def push(self, time: Fraction, duration: Fraction, render: Render, arrived: float, now: float) -> Iterator[Picture]:
        """Take the next frame, both times in seconds of media; gives the pictures that it settles.

        `arrived` is when its bytes came, `now` when those came that completed it; 0 where nobody noted it.
        """
        shot = _Shot(self.number, arrived, render)
        self.number += 1
        if not self._grid.takes(time):
            self._count(shot.number, "off_grid")
            return
        for step, shown in self._grid.push(time, duration, shot):
            if shown is shot:
                self._enter(shot)
            yield self._give(step, shown, now)
        self._enter(shot)

    def rest(self, now: float) -> Iterator[Picture]:
        """All pictures for which the last frame is held, where no other one will come for them."""
        for step, shown in self._grid.rest():
            yield self._give(step, shown, now)

    def finish(self, now: float) -> Iterator[Picture]:
        """The pictures of the last frame."""
        for step, shown in self._grid.finish():
            yield self._give(step, shown, now)
        self._settle()

    def seam(self, step: int) -> Seam | None:
        """How to give the pictures from `step` on once more; None where that is too long ago."""
        before, after = None, None
        for given in self._given:
            if given.step >= step:
                after = given
                break
            before = given
        if before is None and self._forgotten:
            return None
        first = before.step + 1 if before is not None else 0
        if after is not None and (before is None or after.number != before.number):
            return Seam(first, after.before, None, after.number)
        if before is not None:
            return Seam(first, before.after, before.fate, before.number)
        number, counts = self._first or (self.number, self.counts)
        return Seam(first, counts, None, number)

    def _enter(self, shot: _Shot) -> None:
        """Make `shot` the newest frame; the one before it will not be shown any more."""
        if self._current is shot:
            return
        self._settle()
        self._current = shot
        shot.before = shot.after = self.counts
        if self._first is None:
            self._first = (shot.number, self.counts)
        if shot.number == self._counted_from - 1:
            shot.fate = self._held

    def _settle(self) -> None:
        if self._current is not None and self._current.fate is None:
            self._current.fate = "off_grid"
            self._count(self._current.number, "off_grid")

    def _give(self, step: int, shot: _Shot, now: float) -> Picture:
        if shot.fate is None:
            shot.fate = self._decide(shot, now)
            self._count(shot.number, shot.fate)
            shot.after = _with(shot.before, shot.fate)
        elif shot.fate == "measured" and shot.image is None and shot.render is not None:
            shot.image = shot.render()  # on show since before the session was resumed
        shot.render = None
        self._forgotten |= len(self._given) == REMEMBERED
        self._given.append(_Given(step, shot.number, shot.fate, shot.before, shot.after))
        return Picture(step, shot.image, shot.number, shot.arrived)

    def _decide(self, shot: _Shot, now: float) -> Fate:
        """What becomes of a frame that a step wants to show, and could have been shown from the time `now` on."""
        if self._live is not None and self._live.is_late(now):
            return "late"
        shot.image = shot.render() if shot.render is not None else None
        return "measured" if shot.image is not None else "invalid"

    def _count(self, number: int, fate: Fate) -> None:
        if number >= self._counted_from:
            self.counts = _with(self.counts, fate)


def _with(counts: FrameCounts, fate: Fate) -> FrameCounts:
    return replace(counts, received=counts.received + 1, **{fate: getattr(counts, fate) + 1})
