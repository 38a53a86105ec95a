"""Reading a recording twice: whole, and from a mark in its middle."""

import json
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from media.clips import Bytes, Recording
from numpy.typing import NDArray

from service.domain import FrameCounts, Media, Picture, ResumePoint, Sound
from service.media import Mark, MediaLimits, decode


class Marking(Protocol):
    """A reader of media."""

    def mark(self, step: int, sound_from: int) -> Mark | None: ...


@dataclass
class Whole:
    """A recording read to its end, and the marks taken on the way."""

    recording: Recording
    counts: FrameCounts
    marks: dict[int, tuple[int, Mark]]
    """By step: where the sound must begin, and the mark."""


def sound_from(step: int, back: int) -> int:
    """A sample at least `back` steps before `step` from which perception might want to listen."""
    return 640 * max(0, step - back)


def take(reader: Marking, item: Media, seen: int, lag: int, back: int, marks: dict[int, tuple[int, Mark]]) -> int:
    """Note the mark of the step `lag` steps behind the newest that `item` completes; gives that newest step."""
    newest = item.step if isinstance(item, Picture) else (item.start + len(item.samples)) // 640
    step = max(seen, newest) - lag
    if step > seen - lag and step >= 0:
        start = sound_from(step, back)
        mark = reader.mark(step, start)
        if mark is not None:
            assert len(json.dumps(mark.state)) < 1000
            marks[step] = (start, mark)
    return max(seen, newest)


def read_marking(data: bytes, *, lag: int = 3, back: int = 30, limits: MediaLimits | None = None) -> Whole:
    """Read a container whole, taking the mark of every step on the way."""
    with decode(Bytes(data, (1000,)), limits) as media:
        items: list[Media] = []
        marks: dict[int, tuple[int, Mark]] = {}
        seen = -1
        for item in media:
            items.append(item)
            seen = take(media, item, seen, lag, back, marks)
        return Whole(Recording(items, media.info), media.counts, marks)


def resume_point(step: int, mark: Mark) -> ResumePoint:
    """What a checkpoint would hold of a mark, through JSON as it would."""
    return ResumePoint(step, mark.replay_from, mark.init_bytes, json.dumps({"media": mark.state}).encode())


def replay(data: bytes, mark: Mark) -> bytes:
    """What a client sends to resume."""
    return data[: mark.init_bytes] + data[mark.replay_from :]


def dense(items: list[Media], first: int, end: int) -> NDArray[np.float32]:
    """Samples by their place on the grid; what was not given is no number."""
    samples = np.full(end - first, np.nan, np.float32)
    for item in items:
        if isinstance(item, Sound):
            start, stop = max(item.start, first), min(item.start + len(item.samples), end)
            if start < stop:
                samples[start - first : stop - first] = item.samples[start - item.start : stop - item.start]
    return samples


def assert_same_from(step: int, start: int, whole: Recording, resumed: Recording, tolerance: float) -> None:
    """Pictures from `step` on are the same bit by bit, samples from `start` on within `tolerance`."""
    expected = [picture for picture in whole.pictures if picture.step >= step]
    got = [picture for picture in resumed.pictures if picture.step >= step]
    assert [(one.step, one.frame) for one in got] == [(one.step, one.frame) for one in expected]
    for one, other in zip(got, expected, strict=True):
        assert (one.image is None) == (other.image is None)
        assert one.image is None or other.image is None or np.array_equal(one.image, other.image)
    end = max([start, *(sound.start + len(sound.samples) for sound in (*whole.sounds, *resumed.sounds))])
    assert all(sound.start >= start for sound in resumed.sounds)
    samples, others = dense(whole.items, start, end), dense(resumed.items, start, end)
    assert np.array_equal(np.isnan(samples), np.isnan(others))
    assert np.abs(np.nan_to_num(samples) - np.nan_to_num(others)).max(initial=0.0) <= tolerance
    assert resumed.info == whole.info
