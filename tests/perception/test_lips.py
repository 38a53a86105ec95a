"""What counts as movement of the mouth, and that it goes with the speech of real recordings."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.domain import Step
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.lips import FACE, LONGEST, MOUTH, SPAN, Lips
from service.perception.perceive import perceive
from service.representation import CROP_SIZE

Crop = NDArray[np.uint8]
FLOOR = -13.0
"""Log-mel level of a quiet room."""


def crop(seed: int = 0, mouth: int | None = None) -> Crop:
    """Texture, with a mouth of another texture."""
    made = np.random.default_rng(seed).integers(60, 180, (CROP_SIZE, CROP_SIZE)).astype(np.uint8)
    if mouth is not None:
        made[MOUTH] = crop(1000 + mouth)[MOUTH]
    return made


def motions(crops: Sequence[Crop | None]) -> list[float]:
    """Of one track; None where it was not found."""
    lips = Lips()
    found = [lips.push(index, {} if one is None else {1: one}) for index, one in enumerate(crops)]
    return [one[1] for one in found if one]


def test_the_first_pictures_show_no_movement_and_a_still_mouth_none_at_all() -> None:
    assert motions([crop(0, mouth) for mouth in range(SPAN)]) == [0.0] * SPAN
    assert motions([crop()] * 10) == [0.0] * 10


def test_movement_is_that_of_the_last_steps_over_the_contrast_of_the_face() -> None:
    still, open_ = crop(0), crop(0, mouth=1)
    moved = motions([still] * 5 + [open_] * 8)
    assert moved[:5] == [0.0] * 5
    assert moved[5] == moved[5 + SPAN - 1] > 0.1
    assert moved[5 + SPAN :] == [0.0] * (8 - SPAN)
    patches = [one[MOUTH].reshape(8, 2, 10, 2).mean(axis=(1, 3)) for one in (still, open_)]
    assert moved[5] == pytest.approx((patches[1] - patches[0]).std() / open_[FACE].std(), rel=0.02)


def test_neither_the_rest_of_the_face_nor_the_light_counts() -> None:
    blink, bright = crop(), np.asarray(crop() + 40, np.uint8)
    blink[:28] = crop(5)[:28]
    assert motions([crop()] * 4 + [blink] * 4 + [bright] * 4) == [0.0] * 12


def test_half_the_contrast_is_the_same_movement() -> None:
    crops = [crop(0, mouth) for mouth in range(9)]
    dim = [np.asarray(one // 2 + 20, np.uint8) for one in crops]
    np.testing.assert_allclose(motions(dim), motions(crops), rtol=0.05)


def test_a_missed_picture_is_bridged_and_a_longer_absence_begins_anew() -> None:
    crops: list[Crop | None] = [crop(0, mouth) for mouth in range(12)]
    crops[7] = None
    assert all(motion > 0 for motion in motions(crops)[SPAN:])
    assert motions([crop(0, 1), *[None] * (LONGEST - 1), crop(0, 2)])[1] > 0
    assert motions([crop(0, 1), *[None] * LONGEST, crop(0, 2)])[1] == 0.0


def test_everyone_has_a_mouth_of_their_own() -> None:
    lips = Lips()
    for step in range(8):
        moved = lips.push(step, {1: crop(1), 2: crop(2, mouth=step)})
    assert moved[1] == 0.0 < moved[2]


@settings(max_examples=50, deadline=None)
@given(
    pictures=st.lists(
        st.tuples(st.integers(1, LONGEST + 2), st.dictionaries(st.integers(1, 3), st.integers(0, 5))), max_size=12
    ),
    data=st.data(),
)
def test_lips_go_on_from_any_snapshot_as_if_nothing_had_happened(
    pictures: list[tuple[int, Mapping[int, int]]], data: st.DataObject
) -> None:
    begin, step = data.draw(st.integers(0, len(pictures))), 0
    lips, again = Lips(), Lips()
    for index, (later, mouths) in enumerate(pictures):
        step += later
        crops = {track: crop(track, mouth) for track, mouth in mouths.items()}
        if index == begin:
            again.restore(json.loads(json.dumps(lips.snapshot())))
        moved = lips.push(step, crops)
        assert all(len(seen) <= 1 + SPAN for seen in lips.snapshot())
        if index >= begin:
            assert again.push(step, crops) == moved
            assert json.dumps(again.snapshot()) == json.dumps(lips.snapshot())


def envelope(steps: list[Step]) -> NDArray[np.float64]:
    return np.array([max(FLOOR, float(step.mel.mean())) if step.mel is not None else FLOOR for step in steps])


def correlation(motion: NDArray[np.float64], loudness: NDArray[np.float64]) -> float:
    """The best within a quarter of a second, both smoothed over three steps."""
    motion, loudness = (np.convolve(one, np.ones(3) / 3, "same") for one in (motion, loudness))
    lags = [
        np.corrcoef(motion[max(0, lag) : len(motion) + min(0, lag)], loudness[max(0, -lag) : len(motion) - max(0, lag)])
        for lag in range(-6, 7)
    ]
    return float(max(one[0, 1] for one in lags))


@pytest.mark.data
def test_the_mouth_moves_with_its_own_speech(clip: Callable[[str], Path], detector: FaceDetector) -> None:
    """And less with another's: the same sentences, each with the sound of another recording."""
    names = ("ravdess_neutral_720p.mp4", "ravdess_surprise_a.mp4", "talking_20s.mp4")
    moved, loud = {}, {}
    for name in names:
        with clip(name).open("rb") as file, decode(file) as media:
            steps = list(perceive(media, detector))
        steps = steps[next(step.index for step in steps if step.faces) + SPAN :]
        moved[name] = np.array([step.faces[0].motion if step.faces else 0.0 for step in steps])
        loud[name] = envelope(steps)
        assert correlation(moved[name], loud[name]) > 0.55, name
    # The talk has as much to say at any place: its loudness, shifted by seconds, is as good as another's.
    talk, shift = names[-1], 75
    own = correlation(moved[talk], loud[talk])
    assert max(correlation(moved[talk], np.roll(loud[talk], turn)) for turn in range(shift, 376, 25)) < own - 0.15
