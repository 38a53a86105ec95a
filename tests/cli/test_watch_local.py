"""Steps in real time."""

import threading
import time
from collections.abc import Iterator

import pytest
from builders import step

from service.cli import watch_local
from service.cli.watch_local import in_real_time
from service.domain import Step


def test_each_step_comes_when_it_is_due_and_says_so() -> None:
    began = time.monotonic()
    found = [(one, time.monotonic()) for one in in_real_time(map(step, range(5, 15)), threading.Event())]
    assert [one.index for one, _ in found] == list(range(5, 15))
    for one, now in found:
        assert now >= one.arrived >= began + (one.index - 5) / 25 - 0.001
    assert time.monotonic() - began >= 9 / 25


class Clock(threading.Event):
    """Time that passes only where somebody waits: the clock, and the event that is waited for."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now += timeout
        return False


def test_late_steps_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(watch_local, "time", clock)

    def slow() -> Iterator[Step]:
        yield step(0)
        clock.wait(0.4)
        yield from map(step, range(1, 20))

    found = [(one.index, clock.now) for one in in_real_time(slow(), clock)]
    assert [index for index, _ in found] == list(range(20))
    assert [now for _, now in found[1:]] == pytest.approx([max(0.4, index / 25) for index in range(1, 20)])


def test_it_ends_at_once_when_it_is_told_to() -> None:
    stopping = threading.Event()
    steps = in_real_time(map(step, [0, 25 * 3600]), stopping)
    assert next(steps).index == 0
    threading.Timer(0.1, stopping.set).start()
    assert list(steps) == []
