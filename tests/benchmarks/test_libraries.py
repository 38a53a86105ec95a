"""The squares that the floor looks at are those that the product looks at."""

import numpy as np
import pytest

from benchmarks.libraries import square
from benchmarks.work import Look
from service.perception.detector import MOST
from service.perception.squares import Square, cut

SQUARES = [(0, 0, 192), (100, 50, 400), (-200, -180, 900), (500, 300, 300), (-90, 10, 256), (3000, 10, 400)]


@pytest.mark.parametrize("place", SQUARES)
def test_squares_hold_the_same_part_of_the_picture(place: tuple[int, int, int]) -> None:
    rows, columns = np.mgrid[0:480, 0:640]
    image = np.stack([rows / 2, columns / 3, np.full_like(rows, 200)], axis=-1).astype(np.uint8)
    wanted = cut(image, Square(*place), MOST)
    found = square(image, Look(*place, wanted.shape[0]))
    assert found.shape == wanted.shape == (min(place[2], MOST),) * 2 + (3,)
    assert (found > 0).any() == (wanted > 0).any()
    inside = (found[..., 2] > 0) & (wanted[..., 2] > 0)
    assert inside.sum() >= 0.98 * max((found[..., 2] > 0).sum(), (wanted[..., 2] > 0).sum())
    assert np.abs(found.astype(int) - wanted)[inside].max(initial=0) <= 4
