import time

import pytest

from service.media import Live


@pytest.mark.parametrize(("waited", "late"), [(0.0, False), (0.5, False), (0.51, True), (100.0, True)])
def test_a_picture_is_late_once_it_has_waited_for_longer_than_allowed(waited: float, late: bool) -> None:
    assert Live(0.5, clock=lambda: 1000.0 + waited).is_late(1000.0) == late


def test_without_a_bound_or_without_an_arrival_nothing_is_late() -> None:
    assert not Live(None, clock=lambda: 1e9).is_late(1.0)
    assert not Live(0.5, clock=lambda: 1e9).is_late(0.0)


def test_the_clock_is_the_monotonic_one() -> None:
    live = Live(10.0)
    assert not live.is_late(time.monotonic())
    assert live.is_late(time.monotonic() - 11)
