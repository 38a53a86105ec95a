"""Sizes of runs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.engine.buckets import Bucket, coarse, exact, gathered


@given(rows=st.integers(1, 20_000))
def test_a_bucket_has_room_for_all_rows_and_less_than_a_fifth_of_it_is_empty(rows: int) -> None:
    size = coarse(rows)
    assert 0 <= size - rows < size / 5
    assert coarse(size) == size


def test_runs_of_any_size_have_few_shapes() -> None:
    assert len({coarse(rows) for rows in range(1, 4097)}) == 44


@pytest.mark.parametrize(("bucket", "size"), [(exact, 9), (coarse, 10)])
def test_rows_stay_in_order_and_what_follows_them_is_zero(bucket: Bucket, size: int) -> None:
    parts = [np.full((2, 3), 1, np.float32), np.full((7, 3), 2, np.float32)]
    rows = gathered(parts, bucket)
    assert rows.shape == (size, 3)
    assert rows.dtype == np.float32
    assert rows[:, 0].tolist() == [1] * 2 + [2] * 7 + [0] * (size - 9)
