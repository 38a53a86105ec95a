from fractions import Fraction
from functools import partial
from operator import ge

from hypothesis import given
from hypothesis import strategies as st

from service.media.places import APART, MOST, Trail


def test_places_close_together_are_thinned_out_unless_one_must_be_kept() -> None:
    trail = Trail[int]()
    for tenth in range(20):
        trail.add(Fraction(tenth, 10), tenth, always=tenth == 7)
    kept = {trail.newest(partial(ge, bound)) for bound in range(20)}
    assert sorted(point for point in kept if point is not None) == [0, 3, 6, 7, 10, 13, 16, 19]


@given(st.lists(st.integers(0, 10_000), max_size=400))
def test_the_newest_that_fits_is_found_and_no_more_than_so_many_are_kept(times: list[int]) -> None:
    trail = Trail[int]()
    kept: list[int] = []
    for time in times:
        seconds = Fraction(time, 4)
        if trail.wants(seconds):
            kept.append(time)
        trail.add(seconds, time)
    kept = kept[-MOST:]
    for bound in (0, 100, 5000, 20_000):
        expected = next((time for time in reversed(kept) if time <= bound), None)
        assert trail.newest(partial(ge, bound)) == expected


def test_the_first_point_is_known_until_it_is_forgotten() -> None:
    trail = Trail[int]()
    assert trail.first is None
    for index in range(MOST):
        trail.add(index * APART, index)
        assert trail.first == 0
    trail.add(MOST * APART, MOST)
    assert trail.first is None
    assert trail.newest(lambda point: point <= 1) == 1
