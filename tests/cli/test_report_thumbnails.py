import io
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from service.cli.report_moments import Moment
from service.cli.report_thumbnails import SIDE, cut_face, encode_jpeg, take_thumbnails
from service.domain import Media, Picture, Sound
from service.timeline.models import BoxModel

BOX = BoxModel(x=0.4, y=0.4, width=0.2, height=0.2)


def _moment(person: int, number: int, step: int) -> Moment:
    return Moment(person, number, step, step / 25, 1.0, BOX)


def _pictures(count: int, seen: list[int]) -> Iterator[Media]:
    for step in range(count):
        seen.append(step)
        yield Sound(step * 640, np.zeros(640, np.float32))
        yield Picture(step, np.full((90, 160, 3), 10 * step, np.uint8))


def test_each_moment_gets_the_picture_of_its_own_step() -> None:
    seen: list[int] = []
    thumbnails = take_thumbnails(_pictures(20, seen), [_moment(1, 1, 3), _moment(1, 2, 12), _moment(2, 1, 12)])
    assert set(thumbnails) == {(1, 1), (1, 2), (2, 1)}
    for key, level in (((1, 1), 30), ((1, 2), 120), ((2, 1), 120)):
        image = Image.open(io.BytesIO(thumbnails[key]))
        assert image.size == (SIDE, SIDE)
        assert np.asarray(image).mean() == pytest.approx(level, abs=3)
    assert seen[-1] == 12, "nothing is read after the last moment"


def test_a_file_that_has_become_shorter_gives_fewer() -> None:
    assert set(take_thumbnails(_pictures(5, []), [_moment(1, 1, 3), _moment(1, 2, 12)])) == {(1, 1)}


def test_without_moments_nothing_is_read() -> None:
    seen: list[int] = []
    assert take_thumbnails(_pictures(5, seen), []) == {}
    assert seen == []


def test_the_face_is_in_the_middle() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 120:140] = 255
    cut = np.asarray(cut_face(image, BoxModel(x=0.6, y=0.4, width=0.1, height=0.2)))
    lit = np.argwhere(cut[..., 0] > 128)
    assert lit.mean(axis=0) == pytest.approx([SIDE / 2, SIDE / 2], abs=2)


sides = st.floats(-3, 3)


@settings(deadline=None)
@given(sides, sides, st.floats(0, 50), st.floats(0, 50))
def test_any_box_gives_a_thumbnail(x: float, y: float, width: float, height: float) -> None:
    cut = cut_face(np.zeros((36, 64, 3), np.uint8), BoxModel(x=x, y=y, width=width, height=height))
    assert cut.size == (SIDE, SIDE)


def test_the_picture_carries_no_metadata() -> None:
    jpeg = encode_jpeg(Image.new("RGB", (16, 16)))
    assert b"Exif" not in jpeg
    assert jpeg == encode_jpeg(Image.new("RGB", (16, 16)))
