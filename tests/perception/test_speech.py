"""What is speech and what is not, whatever the calls and wherever listening began."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.perception.speech import EPOCH, HANG_OVER, SpeechDetector, listen_from
from service.representation import SAMPLE_RATE, SAMPLES_PER_STEP, STEP_RATE

Samples = NDArray[np.float32]
TIMES = np.arange(12 * SAMPLE_RATE) / SAMPLE_RATE


def white_noise(level: float, seed: int = 0) -> Samples:
    return (level * np.random.default_rng(seed).standard_normal(len(TIMES))).astype(np.float32)


def hum(hertz: float, level: float) -> Samples:
    tones = np.stack([level / k * np.sin(2 * np.pi * hertz * k * TIMES) for k in (1, 2, 3, 4)])
    return np.asarray(tones.sum(axis=0), np.float32)


def syllables(seconds: float) -> Samples:
    """A buzz through formants, four times a second: speech enough for webrtcvad and the gates."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 2 * np.pi * np.cumsum(120 + 20 * np.sin(2 * np.pi * 0.7 * times)) / SAMPLE_RATE
    buzz = np.zeros(len(times))
    for k in range(1, 25):
        hertz = 120 * k
        formants = np.exp(-(((hertz - 600) / 250) ** 2)) + 0.5 * np.exp(-(((hertz - 1500) / 300) ** 2))
        buzz += formants * np.sin(k * pitch)
    return np.asarray(0.1 * buzz * np.clip(np.sin(2 * np.pi * 4 * times), 0, 1), np.float32)


def read(path: Path) -> Samples:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
        runs = [run.to_ndarray()[0] for frame in container.decode(audio=0) for run in resampler.resample(frame)]
    return np.concatenate(runs).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(len(TIMES), np.float32)]
    + [white_noise(level) for level in (0.001, 0.01, 0.1, 0.3, 1.0)]
    + [hum(hertz, level) for hertz in (50.0, 60.0, 100.0, 440.0) for level in (0.01, 0.2)],
    ids=[
        "silence",
        *(f"noise{i}" for i in range(5)),
        *(f"hum{hertz}-{level}" for hertz in (50, 60, 100, 440) for level in "lh"),
    ],
)
def test_silence_noise_and_hum_are_not_speech(sound: Samples) -> None:
    flags = SpeechDetector().push(sound)
    assert len(flags) == len(sound) // SAMPLES_PER_STEP
    assert not any(flags)


def test_syllables_are_speech_and_the_pause_behind_them_is_not() -> None:
    sound = np.concatenate([syllables(3.0), np.zeros(2 * SAMPLE_RATE, np.float32)])
    flags = SpeechDetector().push(sound)
    assert np.mean(flags[STEP_RATE // 2 : 3 * STEP_RATE]) > 0.8
    assert not any(flags[3 * STEP_RATE + STEP_RATE // 2 :])


def test_syllables_in_noise_are_speech() -> None:
    sound = syllables(4.0) + white_noise(0.003)[: 4 * SAMPLE_RATE]
    assert np.mean(SpeechDetector().push(sound)[STEP_RATE:]) > 0.6


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 7 * SAMPLE_RATE), max_size=12))
def test_flags_do_not_depend_on_how_samples_are_split(cuts: list[int]) -> None:
    sound = syllables(7.0)
    detector = SpeechDetector()
    flags = [flag for part in np.split(sound, sorted(cuts)) for flag in detector.push(part)]
    assert flags == SpeechDetector().push(sound)


@settings(max_examples=10, deadline=None)
@given(start=st.integers(0, EPOCH - STEP_RATE), seed=st.integers(0, 1000))
def test_flags_of_an_epoch_do_not_depend_on_where_listening_began(start: int, seed: int) -> None:
    sound = syllables(12.0) + white_noise(0.02, seed)
    whole = SpeechDetector().push(sound)
    later = SpeechDetector(start).push(sound[SAMPLES_PER_STEP * start :])
    assert later[EPOCH - start :] == whole[EPOCH:]


def restless(seconds: float, seed: int) -> Samples:
    """Syllables in noise, each of another level every quarter of a second: what webrtcvad says of it depends on what
    it heard before."""
    random, length = np.random.default_rng(seed), SAMPLE_RATE // 4
    voice, noise = (np.repeat(10 ** random.uniform(-3, -0.5, round(4 * seconds)), length) for _ in range(2))
    sound = 10 * syllables(seconds) * voice + 0.3 * random.standard_normal(len(noise)) * noise
    return np.asarray(np.clip(sound, -1, 1), np.float32)


@settings(max_examples=60, deadline=None)
@example(step=EPOCH + 1, seed=58)  # what the last epoch called speech still hangs over
@example(step=2 * EPOCH, seed=6)
@given(step=st.one_of(st.integers(1, 2 * EPOCH + 25), st.integers(EPOCH, EPOCH + 6)), seed=st.integers(0, 1000))
def test_flags_are_the_same_from_a_step_on_for_who_begins_to_listen_where_it_is_said(step: int, seed: int) -> None:
    sound = restless(12.0, seed)
    begin = listen_from(step)
    assert max(0, step - HANG_OVER - EPOCH - STEP_RATE) <= begin <= step
    later = SpeechDetector(begin).push(sound[SAMPLES_PER_STEP * begin :])
    # The i-th flag belongs to the step after it.
    assert later[step - 1 - begin :] == SpeechDetector().push(sound)[step - 1 :]


@pytest.mark.data
def test_recorded_sentences_are_speech_and_their_silent_ends_are_not(data_dir: Path) -> None:
    found, silent = [], []
    for path in sorted((data_dir / "speech" / "ravdess" / "Actor_05").glob("*-01-01-05.opus")):
        sound = read(path)
        flags = np.array(SpeechDetector().push(sound))
        power = np.square(sound[: len(flags) * SAMPLES_PER_STEP].reshape(-1, SAMPLES_PER_STEP)).mean(axis=1)
        level = 10 * np.log10(power + 1e-12)
        found += list(flags[level > np.percentile(level, 95) - 20])
        silent += list(flags[: STEP_RATE // 4][level[: STEP_RATE // 4] < -70])
    assert np.mean(found) > 0.9
    assert len(silent) > 20
    assert np.mean(silent) < 0.1


@pytest.mark.data
def test_a_recording_of_room_noise_holds_next_to_no_speech(clip: Callable[[str], Path]) -> None:
    assert np.mean(SpeechDetector().push(read(clip("single_face_mp3.mp4")))) < 0.2
    assert not any(SpeechDetector().push(read(clip("silent_track.mp4"))))
