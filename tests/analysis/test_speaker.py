"""Who is speaking."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.analysis.cast import Role
from service.analysis.speaker import LAGS, SMOOTHING, WINDOW, SpeakerFinder
from service.domain import Box, Face, Step
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP

Floats = NDArray[np.float64]
_CROP = np.zeros((CROP_SIZE, CROP_SIZE), np.uint8)


def _syllables(seed: int, count: int) -> Floats:
    """Loudness (or motion) of somebody who talks: random bursts."""
    return np.convolve(np.random.default_rng(seed).random(count + 8), np.hanning(7), "same")[4:-4]


def _roles(motions: dict[int, float | None]) -> list[Role]:
    return [
        Role(person, None if motion is None else Face(person, Box(0, 0, 1, 1), _CROP, motion))
        for person, motion in motions.items()
    ]


def _step(index: int, loudness: float | None) -> Step:
    mel = None if loudness is None else np.full((MELS_PER_STEP, MEL_BINS), loudness - 9, np.float32)
    return Step(index, (), mel, speech=loudness is not None)


def _follow(loudness: Sequence[float | None] | Floats, mouths: dict[int, Floats]) -> list[int | None]:
    finder = SpeakerFinder()
    return [
        finder.push(_step(k, level), _roles({person: float(mouth[k]) for person, mouth in mouths.items()}))
        for k, level in enumerate(loudness)
    ]


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("speaker", [1, 2, 3])
def test_the_speech_is_that_of_the_mouth_that_moves_with_it_however_late_the_sound(speaker: int, lag: int) -> None:
    voice = _syllables(7, 250)
    mouths = {person: _syllables(person, 250) for person in (1, 2, 3)} | {speaker: np.roll(voice, -lag)}
    found = _follow(voice, mouths)[50:]
    assert set(found) <= {speaker, None}
    assert found.count(speaker) > 0.8 * len(found)


def test_nobody_is_taken_for_the_speaker_within_the_first_second() -> None:
    voice = _syllables(7, 100)
    found = _follow(voice, {1: voice, 2: np.zeros(100)})
    assert set(found[:25]) == {None}
    assert set(found[40:]) == {1}


def test_how_far_a_mouth_moves_and_how_loud_it_is_do_not_matter() -> None:
    voice = _syllables(7, 200)
    one = _follow(voice, {1: voice, 2: _syllables(1, 200)})
    other = _follow(voice * 0.5, {1: voice * 30, 2: 0.01 * _syllables(1, 200)})
    assert one.count(1) > 100
    assert other.count(1) > 100
    assert 2 not in [*one, *other]


def test_when_another_takes_over_the_speech_goes_to_that_one() -> None:
    first, second = _syllables(1, 400), _syllables(2, 400)
    found = _follow(np.where(np.arange(400) < 200, first, second), {1: first, 2: second})
    assert set(found[50:200]) <= {1, None}
    assert found[250:].count(2) > 120
    assert 1 not in found[250:]


def test_one_person_on_stage_is_not_compared_with_anybody() -> None:
    voice = _syllables(7, 100)
    assert set(_follow(voice, {1: voice})) == {None}
    finder = SpeakerFinder()
    for k, level in enumerate(voice):
        finder.push(_step(k, level), _roles({1: level, 2: 0.1 * (k % 3)}))
    assert finder.push(_step(100, 0.0), _roles({1: 0.0})) is None
    assert finder.push(_step(101, 0.0), _roles({1: 0.0, 2: 0.0})) is None


def test_still_faces_silence_and_missing_faces_decide_nothing() -> None:
    voice = _syllables(7, 100)
    assert set(_follow(voice, {1: np.zeros(100), 2: np.full(100, 3.0)})) == {None}
    assert set(_follow([None] * 100, {1: voice, 2: _syllables(1, 100)})) == {None}
    assert set(_follow(np.full(100, -20.0), {1: voice, 2: _syllables(1, 100)})) == {None}
    finder = SpeakerFinder()
    assert {finder.push(_step(k, level), _roles({1: None, 2: None})) for k, level in enumerate(voice)} == {None}


def test_a_speaker_whose_face_is_missed_for_a_moment_goes_on_speaking() -> None:
    voice, finder = _syllables(7, 100), SpeakerFinder()
    found = [
        finder.push(_step(k, level), _roles({1: None if 80 <= k < 90 else level, 2: 0.1 * (k % 5)}))
        for k, level in enumerate(voice)
    ]
    assert set(found[70:]) == {1}


def test_steps_without_the_face_do_not_count_for_or_against_it() -> None:
    voice, seen = _syllables(7, 120), np.random.default_rng(3).random(120) < 0.5
    seen[:10] = False
    finder = SpeakerFinder()
    for k, level in enumerate(voice):
        finder.push(_step(k, level), _roles({1: level if seen[k] else None, 2: 0.0}))
    weights, loudness = finder.state()["sums"][0, :2]
    smooth, last = [], np.nan
    for level in voice:
        last = level - 9 + 11 if np.isnan(last) else last + (level - 9 + 11 - last) / SMOOTHING
        smooth.append(last)
    for place, lag in enumerate(LAGS):  # loudness is two steps late, so that a mouth may be late by as much
        pairs = [smooth[k - 2] for k in range(2, 120) if k - 2 - lag >= 0 and seen[k - 2 - lag]]
        fading = (1 - 1 / (WINDOW * 25)) ** np.arange(len(pairs))[::-1]
        assert weights[place] == pytest.approx(fading.sum() / (WINDOW * 25), rel=1e-4)
        assert loudness[place] / weights[place] == pytest.approx(np.average(pairs, weights=fading), rel=1e-4)


_MOMENTS = st.lists(
    st.tuples(
        st.none() | st.floats(-8, 8),
        st.dictionaries(st.integers(1, 3), st.none() | st.floats(0, 2), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=80,
)


@settings(deadline=None)
@given(_MOMENTS, st.integers(0, 80))
def test_going_on_from_a_state_changes_nothing_and_only_people_on_stage_speak(
    moments: list[tuple[float | None, dict[int, float | None]]], cut: int
) -> None:
    whole, parts = SpeakerFinder(), SpeakerFinder()
    for k, (loudness, motions) in enumerate(moments):
        if k == cut:
            state = parts.state()
            parts = SpeakerFinder()
            parts.restore(state)
        found = parts.push(_step(k, loudness), _roles(motions))
        assert found == whole.push(_step(k, loudness), _roles(motions))
        assert found is None or found in motions
    for name, part in whole.state().items():
        np.testing.assert_array_equal(part, parts.state()[name])


def test_going_on_at_any_step_of_a_conversation_gives_the_same_speaker() -> None:
    first, second = _syllables(1, 300), _syllables(2, 300)
    voice = np.where(np.arange(300) < 150, first, second)
    finder = SpeakerFinder()
    for k in range(300):
        resumed = SpeakerFinder()
        resumed.restore(finder.state())
        roles = _roles({1: float(first[k]), 2: float(second[k])})
        assert resumed.push(_step(k, voice[k]), roles) == finder.push(_step(k, voice[k]), roles)


@pytest.fixture(scope="module")
def talkers(clip: Callable[[str], Path], detector: FaceDetector) -> list[list[Step]]:
    """A talk, and three RAVDESS sentences of someone else one after the other: ten seconds each, one face in each."""

    def steps_of(name: str) -> list[Step]:
        with clip(name).open("rb") as file, decode(file) as media:
            return [step for step in perceive(media, detector) if step.faces]

    sentences = ("ravdess_neutral_720p.mp4", "ravdess_neutral_b.mp4", "ravdess_surprise_a.mp4")
    return [steps_of("talking_20s.mp4")[:225], [step for name in sentences for step in steps_of(name)]]


def _side_by_side(talkers: list[list[Step]], sound: int) -> Iterator[tuple[Step, list[Role]]]:
    for k, pair in enumerate(zip(*talkers, strict=False)):
        roles = [Role(person, step.faces[0]) for person, step in enumerate(pair, 1)]
        yield Step(k, (), pair[sound].mel, pair[sound].speech), roles


@pytest.mark.data
@pytest.mark.parametrize("sound", [0, 1])
def test_of_two_talking_faces_the_one_whose_sound_is_kept_speaks(talkers: list[list[Step]], sound: int) -> None:
    finder = SpeakerFinder()
    found = [(step.speech, finder.push(step, roles)) for step, roles in _side_by_side(talkers, sound)]
    spoken = [person for speech, person in found[25:] if speech]
    assert spoken.count(1 + sound) > 0.5 * len(spoken)
    assert spoken.count(2 - sound) < 0.05 * len(spoken)
