"""Media that can be read again from any place, and a detector that is told what there is to find."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.domain import Box, FrameCounts, Media, Picture, ResumePoint, Sound
from service.perception.detector import ALL, Detection, FaceDetector
from service.representation import SAMPLE_RATE

WIDTH, HEIGHT = 96, 72
_SIDE = 20
_RNG = np.random.default_rng(0)
_GROUNDS = _RNG.integers(0, 256, (3, 6, 8, 3)).astype(np.uint8).repeat(12, axis=1).repeat(12, axis=2)
_HEADS = _RNG.integers(0, 256, (8, _SIDE, _SIDE, 3)).astype(np.uint8)

_SECONDS = 40


def _levels() -> NDArray[np.float64]:
    return np.repeat(10 ** _RNG.uniform(-3, -0.5, 4 * _SECONDS), SAMPLE_RATE // 4)


SPEECH = (
    np.sign(np.sin(np.arange(_SECONDS * SAMPLE_RATE) * (2 * np.pi * 140 / SAMPLE_RATE))) * _levels()
    + 0.3 * _RNG.standard_normal(_SECONDS * SAMPLE_RATE) * _levels()
).astype(np.float32)
"""A buzz in noise, each of another level every quarter of a second: whether it is taken for speech depends on what was
heard before."""


def draw_picture(scene: int, heads: Sequence[tuple[int, int, int]], seed: int) -> NDArray[np.uint8]:
    """A ground with heads at (x, y), each of a look; `FakeDetector` finds them, some less clearly by `seed`."""
    picture: NDArray[np.uint8] = _GROUNDS[scene].copy()
    for x, y, look in heads:
        picture[y : y + _SIDE, x : x + _SIDE] = _HEADS[look]
    # What there is to find is written into the first row: how many, then place and clarity of each.
    picture[0] = 0
    picture[0, 0, 0] = len(heads)
    for index, (x, y, _) in enumerate(heads):
        picture[0, 1 + index] = (x, y, 140 + (seed * 37 + index * 61) % 110)
    return picture


class FakeDetector(FaceDetector):
    """Reads what `draw_picture` wrote; the region decides a little about the place, as it does with a real one."""

    def __init__(self) -> None:
        pass

    def close(self) -> None:
        pass

    def detect(
        self,
        image: NDArray[np.uint8],
        region: Box | None = None,
        *,
        mirrored: bool = False,
        tile: slice = ALL,
    ) -> list[Detection]:
        found = []
        for x, y, clear in image[0, 1 : 1 + int(image[0, 0, 0])].tolist():
            near = region is None or (
                region.x - region.width < x / WIDTH < region.x + region.width
                and region.y - region.height < y / HEIGHT < region.y + region.height
            )
            if not near or (region is None and (x + y) % (tile.step or 1) != (tile.start or 0)):
                continue
            jitter = 0.0 if region is None else (region.x * 7919) % 0.01
            box = Box(x / WIDTH + jitter, y / HEIGHT, _SIDE / WIDTH, _SIDE / HEIGHT)
            score = clear / 255 - (0.03 if mirrored else 0.0)
            left, right = ((box.x + part * box.width, box.y + 0.4 * box.height) for part in (0.3, 0.7))
            found.append(Detection(box, score, left, right))
        return found


@dataclass(frozen=True)
class TapeMark:
    replay_from: int
    init_bytes: int
    state: dict[str, int]


class Tape:
    """Plays items in order; whoever resumes hears the samples from `sound_from`, and sees some more than was asked."""

    def __init__(self, items: Sequence[Media], resume: ResumePoint | None = None, state: dict[str, int] | None = None):
        self.has_video = self.has_audio = True
        self._items = items
        self._at = resume.replay_from if resume is not None else 0
        self._sound_from = state["sound_from"] if state is not None else 0
        self._newest = state["frame"] if state is not None else -1
        self._shown = state["shown"] if state is not None else 0

    @property
    def counts(self) -> FrameCounts:
        """Frames count as received from their first picture on."""
        received = self._newest + 1
        return FrameCounts(received=received, measured=self._shown, late=received - self._shown)

    def mark(self, step: int, sound_from: int) -> TapeMark | None:
        needed = (
            index
            for index, item in enumerate(self._items)
            if (item.step >= step if isinstance(item, Picture) else item.start + len(item.samples) > sound_from)
        )
        replay_from = max(0, min(next(needed, self._at), self._at) - step % 3)
        frames = {
            item.frame: item.image is not None
            for item in self._items[: self._at]
            if isinstance(item, Picture) and item.step < step
        }
        state = {"sound_from": sound_from, "frame": max(frames, default=-1), "shown": sum(frames.values())}
        return TapeMark(replay_from, 0, state)

    def __iter__(self) -> Iterator[Media]:
        for item in self._items[self._at :]:
            self._at += 1
            if isinstance(item, Picture):
                if item.frame > self._newest:
                    self._newest = item.frame
                    self._shown += item.image is not None
                yield item
            elif item.start + len(item.samples) > self._sound_from:
                samples = item.samples[max(0, self._sound_from - item.start) :]
                yield Sound(item.start + len(item.samples) - len(samples), samples, item.arrived)
