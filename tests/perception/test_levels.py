"""As numpy computes them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from service.perception.levels import correlation, spread

pictures = arrays(np.uint8, (8, 10), elements=st.integers(0, 255))


@given(levels=pictures, other=pictures)
def test_the_spread_is_the_standard_deviation(levels: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
    assert np.isclose(spread(levels), levels.std(dtype=np.float64), atol=1e-6)
    assert np.isclose(spread(levels[1:5, 2:7]), levels[1:5, 2:7].std(dtype=np.float64), atol=1e-6)
    change = levels.astype(np.int16) - other
    assert np.isclose(spread(change), change.std(dtype=np.float64), atol=1e-6)


@given(one=pictures, other=pictures)
def test_the_correlation_is_pearsons(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
    if min(one.std(), other.std()) > 4:
        assert np.isclose(correlation(one, other), np.corrcoef(one.ravel(), other.ravel())[0, 1], atol=1e-3)
