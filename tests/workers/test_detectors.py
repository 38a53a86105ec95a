"""Detectors are lent to one borrower each and kept while they are sound."""

from contextlib import ExitStack

import pytest

from service.errors import MediaUnreadable
from service.workers.detectors import KEPT, DetectorPool


class Detector:
    """Remembers whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def fail_with(pool: DetectorPool[Detector], error: Exception) -> None:
    with pool.borrow():
        raise error


def test_two_borrowers_get_two_detectors_and_the_next_gets_a_used_one() -> None:
    pool = DetectorPool(Detector)
    with pool.borrow() as one, pool.borrow() as other:
        assert one is not other
    with pool.borrow() as again:
        assert again in (one, other)
        assert not again.closed


def test_detectors_that_uploads_opened_are_lent_to_uploads_alone() -> None:
    pool = DetectorPool(Detector)
    with pool.borrow(live=False) as of_an_upload:
        pass
    with pool.borrow(live=True) as of_a_session:
        assert of_a_session is not of_an_upload
    with pool.borrow(live=False) as again:
        assert again is of_an_upload


def test_of_a_crowd_of_detectors_only_some_are_kept() -> None:
    pool = DetectorPool(Detector)
    with ExitStack() as stack:
        crowd = [stack.enter_context(pool.borrow()) for _ in range(KEPT + 3)]
    assert sum(detector.closed for detector in crowd) == 3
    with ExitStack() as stack:
        again = [stack.enter_context(pool.borrow()) for _ in range(KEPT + 1)]
        assert not any(detector.closed for detector in again)
        assert len(set(again) & set(crowd)) == KEPT


@pytest.mark.parametrize("error", [MediaUnreadable("bad film"), BrokenPipeError()])
def test_a_bad_film_or_a_client_that_left_does_not_cost_a_detector(error: Exception) -> None:
    pool = DetectorPool(Detector)
    with pool.borrow() as first:
        pass
    with pytest.raises(type(error)):
        fail_with(pool, error)
    with pool.borrow() as again:
        assert again is first
        assert not first.closed


def test_a_detector_whose_graph_failed_is_closed_and_not_lent_again() -> None:
    pool = DetectorPool(Detector)
    with pool.borrow() as first:
        pass
    with pytest.raises(RuntimeError):
        fail_with(pool, RuntimeError("graph"))
    assert first.closed
    with pool.borrow() as other:
        assert other is not first
