"""Bytes in JSON, and back."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.perception.packing import pack, unpack


@given(rows=st.integers(0, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_an_array_comes_back_whole(rows: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (rows, columns)).astype(np.uint8)
    np.testing.assert_array_equal(unpack(json.loads(json.dumps(pack(values))), rows, columns), values)


def test_bytes_that_do_not_fill_the_array_are_refused() -> None:
    with pytest.raises(ValueError, match="reshape"):
        unpack(pack(np.zeros((3, 4), np.uint8)), 4, 4)
