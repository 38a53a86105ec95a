"""Which changes of the picture are cuts."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.perception.scenes import MAX_SCENES, MEMORY, SceneDetector

Image = NDArray[np.uint8]


def scene(seed: int) -> Image:
    """Large random patches: a picture unlike every other seed's."""
    patches = np.random.default_rng(seed).integers(0, 255, (6, 8, 3)).astype(np.uint8)
    return np.repeat(np.repeat(patches, 30, axis=0), 30, axis=1)


def numbers(pictures: list[Image], every: int = 1) -> list[int]:
    scenes = SceneDetector()
    return [scenes.push(every * index, picture) for index, picture in enumerate(pictures)]


def test_another_picture_is_a_new_scene() -> None:
    assert numbers([scene(1), scene(1), scene(2), scene(2), scene(3)]) == [0, 0, 1, 1, 2]


def test_a_moving_picture_is_one_scene() -> None:
    assert set(numbers([np.roll(scene(1), 4 * index, axis=1) for index in range(40)])) == {0}


def test_a_flash_a_fade_and_noise_are_no_cuts() -> None:
    picture = scene(1)
    flash = np.asarray(np.clip(picture.astype(int) + 90, 0, 255), np.uint8)
    dim = np.asarray(picture * 0.2, np.uint8)
    grain = np.asarray(np.clip(picture + np.random.default_rng(0).normal(0, 30, picture.shape), 0, 255), np.uint8)
    assert set(numbers([picture, flash, picture, dim, picture, grain])) == {0}


def test_black_between_pictures_of_one_scene_is_passed_over() -> None:
    black = np.zeros_like(scene(1))
    assert numbers([scene(1), black, black, scene(1), black, scene(2)]) == [0, 0, 0, 0, 0, 1]


def test_a_scene_that_is_soon_back_keeps_its_number() -> None:
    assert numbers([scene(1), scene(2), scene(1), scene(2), scene(3), scene(2)]) == [0, 1, 0, 1, 2, 1]


def test_a_scene_that_is_back_late_is_a_new_one() -> None:
    pictures = [scene(1), *[scene(2)] * 4, scene(1)]
    assert numbers(pictures, every=MEMORY // 4 + 1)[-1] == 2
    assert numbers(pictures, every=MEMORY // 5)[-1] == 0


def test_pictures_of_any_shape_are_taken() -> None:
    scenes = SceneDetector()
    for step, shape in enumerate([(1, 1), (4, 900), (900, 4), (50, 50)]):
        scenes.push(step, np.random.default_rng(step).integers(0, 255, (*shape, 3)).astype(np.uint8))


def test_of_many_scenes_the_latest_are_remembered() -> None:
    seeds = [1, *range(2, MAX_SCENES + 1), 1, *range(2, MAX_SCENES + 2), 1]
    assert numbers([scene(seed) for seed in seeds]) == [
        *range(MAX_SCENES),
        *range(MAX_SCENES + 1),
        MAX_SCENES + 1,  # the scene of the beginning had to make way
    ]


@settings(max_examples=40, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 4), min_size=2, max_size=20), every=st.sampled_from([1, MEMORY // 3]), data=st.data()
)
def test_scenes_go_on_from_any_snapshot_as_if_nothing_had_happened(
    seeds: list[int], every: int, data: st.DataObject
) -> None:
    pictures = [np.roll(scene(seed), at, axis=1) if seed else np.zeros_like(scene(1)) for at, seed in enumerate(seeds)]
    begin = data.draw(st.integers(0, len(seeds)))
    scenes, again = SceneDetector(), SceneDetector()
    for index in range(begin):
        scenes.push(every * index, pictures[index])
    again.restore(json.loads(json.dumps(scenes.snapshot())))
    for index in range(begin, len(seeds)):
        assert again.push(every * index, pictures[index]) == scenes.push(every * index, pictures[index])
        assert again.snapshot() == scenes.snapshot()
