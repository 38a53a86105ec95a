from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cli.report_figure import THUMBNAIL, side_by_side
from service.cli.report_moments import MOMENTS


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=MOMENTS))
def test_thumbnails_stand_side_by_side_over_the_time_axis(places: list[float]) -> None:
    lefts = side_by_side(sorted(places))
    assert len(lefts) == len(places)
    assert all(other - one >= THUMBNAIL for one, other in pairwise(lefts))
    assert all(0.09 <= left <= 0.84 - THUMBNAIL for left in lefts)


def test_a_thumbnail_with_room_stands_above_its_time() -> None:
    first, last = side_by_side([0.25, 0.75])
    middle = (first + last + THUMBNAIL) / 2
    assert (last - first) == pytest.approx(0.5 * (0.83 - 0.095))
    assert middle == pytest.approx((0.83 + 0.095) / 2)
