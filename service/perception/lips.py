"""How much a mouth moves, from the aligned crops of one face."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.perception.levels import spread
from service.perception.packing import pack, unpack

MOUTH = (slice(30, 46), slice(14, 34))
"""Rows and columns of the aligned crop in which the mouth moves."""

FACE = (slice(12, 46), slice(10, 38))
"""Rows and columns of the crop whose contrast the movement is measured by."""

SPAN = 3
"""Steps back to the picture that the mouth is compared with. Movement over 0.12 s goes with the speech better than from
step to step, where the jitter of the eyes and pictures that are held twice weigh as much: the best correlation with
the loudness, within a quarter of a second, of four recordings (a talk, three RAVDESS sentences), both smoothed over
three steps, is 0.46, 0.55, 0.58, 0.77 over one step, 0.60, 0.64, 0.66, 0.78 over two, 0.66, 0.69, 0.66, 0.83 over
three, and hardly more over four. Taking away what the upper face does at the same time makes it worse."""

LONGEST = 5
"""Steps back to the oldest picture that is still compared with, where those between are missing."""

_SHAPE = (8, 10)
_LEAST_CONTRAST = 8.0  # grey levels; below it there is nothing but noise to compare


class Lips:
    """Remembers the mouths of the last few pictures, by track, as patches of [8, 10] bytes."""

    def __init__(self) -> None:
        self._seen: dict[int, list[tuple[int, NDArray[np.uint8]]]] = {}
        """Step and patch, by track, the newest last."""

    def push(self, step: int, crops: Mapping[int, NDArray[np.uint8]]) -> dict[int, float]:
        """Take the crops [48, 48] of a picture, by track; steps rise. Gives how much each one's mouth has moved.

        That is the root mean square difference of the mouth, its brightness taken away, to the newest picture of the
        same track that is at least `SPAN` and at most `LONGEST` steps older, over the standard deviation of the face;
        0 where there is none.
        """
        motion = {}
        for track, crop in crops.items():
            patch, seen = _patch(crop), self._seen.setdefault(track, [])
            old = [other for at, other in seen if SPAN <= step - at <= LONGEST]
            motion[track] = _difference(old[-1], patch) / _contrast(crop) if old else 0.0
            seen.append((step, patch))
        self._seen = {track: kept for track, seen in self._seen.items() if (kept := _needed(step + 1, seen))}
        return motion

    def snapshot(self) -> list[Any]:
        """Everything that later results depend on, for JSON."""
        return [[track, *([step, pack(patch)] for step, patch in seen)] for track, seen in self._seen.items()]

    def restore(self, state: Sequence[Any]) -> None:
        """Go on from a `snapshot`."""
        self._seen = {track: [(step, unpack(text, *_SHAPE)) for step, text in seen] for track, *seen in state}


def _needed(step: int, seen: list[tuple[int, NDArray[np.uint8]]]) -> list[tuple[int, NDArray[np.uint8]]]:
    """Those that a picture of `step` or later can be compared with: the newest that is old enough, and newer ones."""
    first = max((index for index, (at, _) in enumerate(seen) if step - at >= SPAN), default=0)
    return [one for one in seen[first:] if step - one[0] <= LONGEST]


def _patch(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mouth at half the crop's resolution, rounded, so that a snapshot holds all of it."""
    rows, columns = _SHAPE
    sums = crop[MOUTH].reshape(rows, 2, columns, 2).sum(axis=(1, 3), dtype=np.uint16)
    return np.asarray((sums + 2) // 4, np.uint8)


def _difference(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> float:
    return spread(np.subtract(new, old, dtype=np.int16))


def _contrast(crop: NDArray[np.uint8]) -> float:
    return max(spread(crop[FACE]), _LEAST_CONTRAST)
