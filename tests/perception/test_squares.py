"""Squares that cover a picture, and what is cut out of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import Box
from service.perception.squares import MIN_TILE, Square, around, cut, tiles, whole

sides = st.integers(1, 1280)


@given(width=sides, height=sides)
def test_tiles_of_each_size_cover_the_picture_and_are_few(width: int, height: int) -> None:
    assert len(tiles(width, height)) <= 60
    for side in {tile.side for tile in tiles(width, height)}:
        covered = np.zeros((height, width), bool)
        for left, top, _ in (tile for tile in tiles(width, height) if tile.side == side):
            assert left >= 0
            assert top >= 0
            covered[top : top + side, left : left + side] = True
        assert covered.all()
        assert side >= min(MIN_TILE, max(width, height))


@given(width=sides, height=sides)
def test_the_whole_picture_is_in_one_square_around_its_middle(width: int, height: int) -> None:
    left, top, side = whole(width, height)
    assert side == max(width, height)
    assert left <= 0
    assert top <= 0
    assert left + side >= width
    assert top + side >= height


def test_a_region_is_searched_in_a_square_around_it() -> None:
    assert around(Box(0.25, 0.25, 0.5, 0.5), 400, 200) == Square(-50, -150, 500)
    assert around(Box(0.5, 0.5, 0.0, 0.0), 400, 200).side == 8
    assert around(Box(-5.0, -5.0, 10.0, 10.0), 400, 200).side == 800


@given(
    left=st.integers(-300, 300), top=st.integers(-300, 300), side=st.integers(1, 500), most=st.sampled_from([64, 256])
)
def test_a_cut_shows_its_part_of_the_picture_and_black_beyond(left: int, top: int, side: int, most: int) -> None:
    rows, columns = np.mgrid[0:120, 0:160]
    image = np.stack([rows + 100, columns + 90, np.full_like(rows, 255)], axis=-1).astype(np.uint8)
    found = cut(image, Square(left, top, side), most)
    size = min(side, most)
    assert found.shape == (size, size, 3)
    assert found.flags.c_contiguous
    at = (np.arange(size) + 0.5) * side / size - 0.5
    x, y = np.meshgrid(left + at, top + at)
    margin = side / size + 1
    inside = (x > margin) & (x < 159 - margin) & (y > margin) & (y < 119 - margin)
    beyond = (x < -margin) | (x > 159 + margin) | (y < -margin) | (y > 119 + margin)
    assert (found[inside][:, 2] == 255).all()
    assert np.abs(found[inside][:, 0] - (y[inside] + 100)).max(initial=0) <= margin
    assert np.abs(found[inside][:, 1] - (x[inside] + 90)).max(initial=0) <= margin
    assert (found[beyond] == 0).all()


@pytest.mark.parametrize("side", [200, 60])
def test_a_picture_that_is_not_contiguous_is_cut_alike(side: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)
    square = Square(-3, 5, side)
    np.testing.assert_array_equal(
        cut(image[:, ::-1], square, 64), cut(np.ascontiguousarray(image[:, ::-1]), square, 64)
    )
