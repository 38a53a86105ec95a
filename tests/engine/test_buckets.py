"""Sizes of runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.buckets import Bucket, exact, gathered, power_of_two


@given(rows=st.integers(1, 20_000))
def test_a_bucket_is_the_smallest_power_of_two_with_room_for_all_rows(rows: int) -> None:
    size = power_of_two(rows)
    assert rows <= size < 2 * rows
    assert size & (size - 1) == 0


def test_runs_of_any_size_have_few_shapes() -> None:
    assert len({power_of_two(rows) for rows in range(1, 4097)}) == 13


@pytest.mark.parametrize(("bucket", "size"), [(exact, 5), (power_of_two, 8)])
def test_rows_stay_in_order_and_what_follows_them_is_zero(bucket: Bucket, size: int) -> None:
    parts = [np.full((2, 3), 1, np.float32), np.full((3, 3), 2, np.float32)]
    rows = gathered(parts, bucket)
    assert rows.shape == (size, 3)
    assert rows.dtype == np.float32
    assert rows[:, 0].tolist() == [1, 1, 2, 2, 2] + [0] * (size - 5)
