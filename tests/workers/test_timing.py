"""Where the time of a session goes, on a clock that the test turns."""

from collections.abc import Iterator

import pytest
from builders import step

from service.domain import FrameCounts, Media, Picture, Step
from service.workers import timing
from service.workers.codec import Report
from service.workers.timing import TimedMedia, TimedSteps


class Clock:
    """Stands still unless it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Feed:
    """Notes what a test says that reading has waited for."""

    def __init__(self) -> None:
        self.waited = 0.0
        self.longest = 0.0

    def take_longest_wait(self) -> float:
        longest, self.longest = self.longest, 0.0
        return longest


class Film:
    """Pictures, each of which takes one second of waiting for bytes, then two of decoding."""

    has_video = has_audio = True

    def __init__(self, clock: Clock, feed: Feed, pictures: int, *, received: int = 1) -> None:
        self._clock, self._feed, self._pictures = clock, feed, pictures
        self.counts = FrameCounts(received=received)

    def mark(self, step: int, sound_from: int) -> None:
        """Never to be read again."""

    def __iter__(self) -> Iterator[Media]:
        for index in range(self._pictures):
            self._clock.now += 1
            self._feed.waited += 1
            self._clock.now += 2
            yield Picture(index, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "monotonic", clock)
    return clock


def perceive(media: TimedMedia, clock: Clock) -> Iterator[Step]:
    """A step for every two pictures, after four seconds of looking at them; one more at the end."""
    for number, _ in enumerate(media):
        if number % 2:
            clock.now += 4
            yield step(number // 2, tracks=[1] if number == 1 else [], sound=True, speech=number == 3)
    clock.now += 4
    yield step(100)


def timed(clock: Clock, feed: Feed, film: Film) -> TimedSteps:
    media = TimedMedia(film, feed, opening=0.5)  # type: ignore[arg-type]
    return TimedSteps(perceive(media, clock), media, feed)  # type: ignore[arg-type]


def test_waiting_for_bytes_and_for_whoever_takes_the_steps_is_nobodys_work(clock: Clock) -> None:
    feed = Feed()
    steps = timed(clock, feed, Film(clock, feed, pictures=4))
    for _ in range(2):
        next(steps)
        clock.now += 1000  # the service takes its time
    feed.longest = 0.75
    assert steps.taken == 2
    assert steps.report() == Report(
        queue=0.75, decode=8.5, perception=8.0, video_steps=2, face_steps=1, sound_steps=2, speech_steps=1
    )


def test_a_report_tells_what_is_new_since_the_last(clock: Clock) -> None:
    feed = Feed()
    steps = timed(clock, feed, Film(clock, feed, pictures=2))
    next(steps)
    steps.report()
    assert len(list(steps)) == 1
    assert steps.report() == Report(
        queue=0.0, decode=0.0, perception=4.0, video_steps=1, face_steps=0, sound_steps=0, speech_steps=0
    )


def test_media_of_which_no_picture_came_count_as_sound_alone(clock: Clock) -> None:
    feed = Feed()
    steps = timed(clock, feed, Film(clock, feed, pictures=2, received=0))
    next(steps)
    assert (steps.report().video_steps, steps.taken) == (0, 0)
