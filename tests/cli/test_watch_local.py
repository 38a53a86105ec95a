"""Steps in real time."""

import threading
import time
from collections.abc import Iterator

from builders import step

from service.cli.watch_local import in_real_time
from service.domain import Step


def test_each_step_comes_when_it_is_due_and_says_so() -> None:
    began = time.monotonic()
    found = [(one, time.monotonic()) for one in in_real_time(map(step, range(5, 15)), threading.Event())]
    assert [one.index for one, _ in found] == list(range(5, 15))
    for one, now in found:
        assert now >= one.arrived >= began + (one.index - 5) / 25 - 0.001
    assert time.monotonic() - began >= 9 / 25


def test_late_steps_follow_at_once() -> None:
    def slow() -> Iterator[Step]:
        yield step(0)
        time.sleep(0.4)
        yield from map(step, range(1, 10))

    began = time.monotonic()
    assert len(list(in_real_time(slow(), threading.Event()))) == 10
    assert time.monotonic() - began < 0.4 + 9 / 25


def test_it_ends_at_once_when_it_is_told_to() -> None:
    stopping = threading.Event()
    steps = in_real_time(map(step, [0, 25 * 3600]), stopping)
    assert next(steps).index == 0
    threading.Timer(0.1, stopping.set).start()
    assert list(steps) == []
