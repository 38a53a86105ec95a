import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.domain import FrameCounts, Picture
from service.media import Live
from service.media.pictures import REMEMBERED, Pictures, Seam, read_seam
from service.representation import ABSENCE, STEP_RATE

STEP = Fraction(1, STEP_RATE)


@dataclass(frozen=True)
class Frame:
    """A frame to be pushed: how long after the one before it, and whether it can be decoded, is late, is no frame."""

    after: Fraction
    damaged: bool = False
    late: bool = False
    rejected: bool = False


def image(number: int) -> NDArray[np.uint8]:
    return np.full((2, 2, 3), number % 256, np.uint8)


class Feed:
    """Pushes frames; frame i's image is all i, and frames that are late have arrived long ago."""

    def __init__(self, frames: list[Frame], seam: Seam | None = None, first: int = 0) -> None:
        self.frames = frames
        self.pictures = Pictures(Live(1.0, clock=lambda: 1000.0), seam, first)
        self.first = first
        self.rendered: Counter[int] = Counter()

    def run(self) -> Iterator[Picture]:
        time = Fraction(0)
        for number, frame in enumerate(self.frames):
            time += frame.after
            if number < self.first:
                continue
            assert self.pictures.number == number
            if frame.rejected:
                self.pictures.reject()
                continue
            arrived = 1.0 if frame.late else 999.5
            yield from self.pictures.push(time, STEP, partial(self.render, number), 500.0 + number, arrived)
        yield from self.pictures.finish(999.5)

    def render(self, number: int) -> NDArray[np.uint8] | None:
        self.rendered[number] += 1
        return None if self.frames[number].damaged else image(number)


frames = st.lists(
    st.builds(
        Frame,
        st.integers(-30, 200).map(lambda ms: Fraction(ms, 1000)) | st.just(STEP) | st.just(Fraction(3)),
        damaged=st.integers(0, 9).map(lambda one: one == 0),
        late=st.integers(0, 9).map(lambda one: one == 0),
        rejected=st.integers(0, 9).map(lambda one: one == 0),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(frames)
def test_every_frame_has_one_fate_and_the_counts_add_up_at_any_time(sequence: list[Frame]) -> None:
    feed = Feed(sequence)
    shown: dict[int, set[bool]] = {}
    for picture in feed.run():
        shown.setdefault(picture.frame, set()).add(picture.image is not None)
        assert picture.image is None or np.array_equal(picture.image, image(picture.frame))
        assert picture.arrived == 500.0 + picture.frame
        counts = feed.pictures.counts
        assert counts.received == counts.measured + counts.off_grid + counts.late + counts.invalid
    counts = feed.pictures.counts
    assert counts.received == len(sequence) == feed.pictures.number
    assert all(len(kinds) == 1 for kinds in shown.values())
    assert counts.measured == sum(kinds == {True} for kinds in shown.values())
    rejected = sum(frame.rejected for frame in sequence)
    assert counts.late + counts.invalid == rejected + sum(kinds == {False} for kinds in shown.values())
    assert max(feed.rendered.values(), default=0) <= 1


@settings(max_examples=80, deadline=None)
@given(frames, st.data())
def test_pictures_go_on_from_any_step_as_if_nothing_had_happened(sequence: list[Frame], data: st.DataObject) -> None:
    whole = Feed(sequence)
    given: list[Picture] = []
    seams: list[tuple[int, Seam]] = []
    for picture in whole.run():
        given.append(picture)
        step = max(0, picture.step - data.draw(st.integers(-3, 8)))
        seam = whole.pictures.seam(step)
        assert seam is not None
        seams.append((step, seam))
    for step, seam in data.draw(st.permutations(seams))[:3]:
        first = data.draw(st.integers(0, seam.needed).filter(lambda one: not sequence[one].rejected), label="first")
        # A frame that the grid ignored is no place to begin: it is older than what is on show.
        times = np.cumsum([float(frame.after) for frame in sequence])
        accepted = [number for number, frame in enumerate(sequence) if not frame.rejected]
        if any(times[number] > times[first] for number in accepted if number < first):
            continue
        state = json.loads(json.dumps(seam.to_json()))
        again = Feed(sequence, read_seam(state), first)
        rest = list(again.run())
        expected = [picture for picture in given if picture.step >= step]
        got = [picture for picture in rest if picture.step >= step]
        assert [(one.step, one.frame, one.arrived) for one in got] == [
            (one.step, one.frame, one.arrived) for one in expected
        ]
        assert all(
            np.array_equal(one.image, other.image) if one.image is not None and other.image is not None
            else one.image is other.image
            for one, other in zip(got, expected, strict=True)
        )  # fmt: skip
        assert again.pictures.counts == whole.pictures.counts
        assert not {picture.step for picture in rest} & {picture.step for picture in given if picture.step < seam.step}


def pushed(pictures: Pictures, at: Fraction, now: float = 0.0) -> list[Picture]:
    return list(pictures.push(at, STEP, lambda: image(1), 0.0, now))


def test_a_frame_that_is_late_at_its_first_step_stays_without_an_image() -> None:
    now = 0.0
    pictures = Pictures(Live(0.5, clock=lambda: now))
    now = 10.0
    assert [one.image for one in pushed(pictures, Fraction(0), now=9.0)] == [None]
    held = pushed(pictures, 3 * STEP, now=10.0)
    assert [(one.step, one.frame, one.image is None) for one in held] == [
        (1, 0, True),
        (2, 0, True),
        (3, 1, False),
    ]
    assert pictures.counts == FrameCounts(received=2, measured=1, late=1)


def test_waiting_counts_from_when_a_frame_could_be_shown_so_that_a_slow_camera_is_never_late() -> None:
    pictures = Pictures(Live(0.5, clock=lambda: 20.1))
    assert pushed(pictures, Fraction(1, 100), now=18.0) == []
    (shown, *_) = pushed(pictures, Fraction(1, 10), now=20.0)
    assert shown.image is not None


def test_a_frame_that_no_step_shows_is_never_rendered() -> None:
    feed = Feed([Frame(Fraction(1, 100))] * 60)
    steps = [picture.step for picture in feed.run()]
    assert steps == list(range(1, 16))
    assert feed.rendered.total() == feed.pictures.counts.measured == 15
    assert feed.pictures.counts.off_grid == 45


def test_a_frame_held_over_a_seam_is_not_counted_again() -> None:
    sequence = [Frame(Fraction(0)), Frame(Fraction(1, 2))]
    whole = Feed(sequence)
    list(whole.run())
    seam = whole.pictures.seam(5)
    assert seam == Seam(5, FrameCounts(received=1, measured=1), "measured", 0)
    again = Feed(sequence, seam)
    assert [picture.step for picture in again.run()] == list(range(5, 14))
    assert again.pictures.counts == FrameCounts(received=2, measured=2)


def test_a_gap_makes_a_seam_before_what_follows_it() -> None:
    whole = Feed([Frame(Fraction(0)), Frame(Fraction(10))])
    list(whole.run())
    held = round(ABSENCE * STEP_RATE)
    assert whole.pictures.seam(200) == Seam(held + 1, FrameCounts(received=1, measured=1), None, 1)


def test_what_is_remembered_is_bounded() -> None:
    pictures = Pictures(None)
    for index in range(REMEMBERED + 100):
        pushed(pictures, index * STEP)
    assert pictures.seam(50) is None
    assert pictures.seam(100) is None
    assert pictures.seam(101) is not None


@pytest.mark.parametrize("rejected", [0, 3])
def test_before_the_first_picture_a_seam_is_the_start(rejected: int) -> None:
    pictures = Pictures(None)
    for _ in range(rejected):
        assert pictures.reject()
    assert pictures.seam(7) == Seam(0, FrameCounts(received=rejected, invalid=rejected), None, rejected)
