"""Counting what became of a session's pictures, and telling of those that were dropped."""

from dataclasses import asdict

import pytest
from prometheus_client import CollectorRegistry, Counter

from service.api.stream.counts import NEWS_SECONDS, Counts
from service.domain import FrameCounts


class Watch:
    """A clock that the test turns, and the counter that is counted in."""

    def __init__(self, *, resumed: bool = False) -> None:
        self.now = 100.0
        self._counter = Counter("frames", "Pictures.", ("fate",), registry=CollectorRegistry())
        self.counts = Counts(self._counter, resumed=resumed, clock=lambda: self.now)

    def counted(self) -> dict[str, float]:
        samples = next(iter(self._counter.collect())).samples
        return {sample.labels["fate"]: sample.value for sample in samples if sample.name == "frames_total"}


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_every_picture_is_counted_once(watch: Watch) -> None:
    watch.counts.news(FrameCounts(received=4, measured=2, off_grid=1, late=1))
    watch.counts.news(FrameCounts(received=9, measured=4, off_grid=1, late=2, invalid=1, absent=1))
    watch.counts.news(FrameCounts(received=9, measured=4, off_grid=1, late=2, invalid=1, absent=1))
    assert watch.counted() == {"measured": 4, "off_grid": 1, "late": 2, "invalid": 1, "absent": 1}


def test_counts_that_go_back_and_grow_again_are_not_counted_twice(watch: Watch) -> None:
    for measured, late in ((50, 2), (25, 0), (40, 4), (60, 4)):
        watch.counts.news(FrameCounts(received=measured + late, measured=measured, late=late))
    assert watch.counted() == {"measured": 60, "off_grid": 0, "late": 4, "invalid": 0, "absent": 0}


def test_dropped_pictures_are_told_of_when_there_are_more_but_not_too_often(watch: Watch) -> None:
    assert watch.counts.news(FrameCounts(received=2, measured=1, off_grid=1)) is None
    told = watch.counts.news(FrameCounts(received=3, measured=1, off_grid=1, late=1))
    assert told is not None
    assert told.dropped == {"late": 1, "invalid": 0, "absent": 0}
    watch.now += NEWS_SECONDS / 2
    more = FrameCounts(received=4, measured=1, off_grid=1, late=1, absent=1)
    assert watch.counts.news(more) is None
    watch.now += NEWS_SECONDS / 2
    told = watch.counts.news(more)
    assert told is not None
    assert told.dropped == {"late": 1, "invalid": 0, "absent": 1}
    watch.now += NEWS_SECONDS
    assert watch.counts.news(more) is None


def test_what_connections_before_counted_is_told_once_more_but_not_counted() -> None:
    watch = Watch(resumed=True)
    before = FrameCounts(received=10, measured=8, late=2)
    assert watch.counts.news(FrameCounts()) is None
    told = watch.counts.news(before)
    assert told is not None
    assert told.dropped == {"late": 2, "invalid": 0, "absent": 0}
    watch.now += NEWS_SECONDS
    assert watch.counts.news(before) is None
    assert watch.counts.news(FrameCounts(**asdict(before) | {"received": 11, "late": 3})) is not None
    assert watch.counted()["late"] == 1
    assert watch.counted()["measured"] == 0
