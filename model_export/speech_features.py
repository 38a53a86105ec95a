"""Sound files to what the service would hear of them, as they are and in augmented variants, kept in a cache."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_export.speech_names import Corpus, Utterance, read_name
from service.domain import Sound
from service.media import decode
from service.perception.logmel import LogMel
from service.perception.speech import SpeechDetector
from service.representation import MEL_BINS, MELS_PER_STEP, SAMPLE_RATE

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]

VARIANTS: Final = 5
"""Versions of each recording: the recording itself and four augmented ones."""


@dataclass(frozen=True, slots=True)
class SpeechClip:
    """What perception hears of one recording."""

    name: str
    utterance: Utterance
    mel: NDArray[np.float16]
    """[T, 4, 64]"""
    speech: NDArray[np.bool_]
    """[T]"""


def read_sound(path: Path) -> Floats:
    """The samples of a recording, 16 kHz mono [n]."""
    with path.open("rb") as source, decode(source) as media:
        return np.concatenate([item.samples for item in media if isinstance(item, Sound)])


def hear(samples: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Log-mel frames [T, 4, 64] and speech flags [T] of the whole steps in `samples`, as the service computes them."""
    mel = LogMel().push(samples)
    flags = [False, *SpeechDetector().push(samples)]
    steps = min(len(mel) // MELS_PER_STEP, len(flags))
    return mel[: steps * MELS_PER_STEP].reshape(steps, MELS_PER_STEP, MEL_BINS), np.array(flags[:steps])


def vary(samples: Floats, random: np.random.Generator) -> Floats:
    """An augmented variant: speed (and with it pitch), a room, a microphone's tilt, noise, and level."""
    rate = random.uniform(0.88, 1.14)
    places = np.arange(0, len(samples) - 1, rate)
    x = np.interp(places, np.arange(len(samples)), samples)
    if random.random() < 0.4:
        x = _room(x, random)
    x = _tilt(x, random)
    level = float(np.sqrt(np.mean(x**2))) + 1e-6
    if random.random() < 0.6:
        noise = _coloured(len(x), random)
        x = x + noise * level * 10 ** (-random.uniform(5, 30) / 20)
    x = x / level * 10 ** (random.uniform(-38, -14) / 20)
    return np.asarray(np.clip(x, -1, 1), np.float32)


def _room(x: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Convolve with exponentially decaying noise, 0.1 to 0.5 s to -60 dB."""
    seconds = random.uniform(0.1, 0.5)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tail = random.normal(size=len(time)) * 10 ** (-3 * time / seconds)
    tail *= random.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = _power_of_two(len(x) + len(tail))
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)[: len(x)]


def _tilt(x: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Smooth random equalisation, up to 6 dB at five frequencies."""
    size = _power_of_two(len(x))
    spectrum = np.fft.rfft(x, size)
    gains = np.interp(np.linspace(0, 4, len(spectrum)), np.arange(5), random.uniform(-6, 6, 5))
    return np.fft.irfft(spectrum * 10 ** (gains / 20), size)[: len(x)]


def _coloured(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise of unit power whose spectrum falls as frequency to a power between 0 (white) and -1 (pink amplitude)."""
    size = _power_of_two(count)
    spectrum = np.fft.rfft(random.normal(size=size))
    spectrum *= np.arange(1, len(spectrum) + 1) ** -random.uniform(0, 1)
    noise = np.fft.irfft(spectrum, size)[:count]
    return np.asarray(noise / (np.sqrt(np.mean(noise**2)) + 1e-12))


def _power_of_two(count: int) -> int:
    """The least power of two that is not below `count`: odd sizes make transforms slow."""
    return 1 << (count - 1).bit_length()


def load_corpus(
    folder: Path, corpus: Corpus, cache: Path, *, seed: int, variants: int = VARIANTS
) -> list[list[SpeechClip]]:
    """The recordings of `corpus` found under `folder`, by name; of each the recording itself, then its variants.

    Features are computed once and kept in `cache` as one file.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _is_of(path, corpus))
    file = cache / f"speech_{corpus}_{seed}_{variants}.npz"
    if not file.exists():
        logger.info("hearing %d recordings of %s", len(paths), corpus)
        heard = [clip for path in paths for clip in _versions(path, seed, variants)]
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(
            file,
            mel=np.concatenate([mel.astype(np.float16) for mel, _ in heard]),
            speech=np.concatenate([speech for _, speech in heard]),
            lengths=np.array([len(speech) for _, speech in heard]),
        )
    with np.load(file) as archive:
        ends = np.cumsum(archive["lengths"])[:-1]
        mels, flags = np.split(archive["mel"], ends), np.split(archive["speech"], ends)
    clips = []
    for number, path in enumerate(paths):
        utterance = read_name(path)
        if utterance is None:
            raise ValueError(f"{path.name} follows no naming scheme")
        rows = range(number * variants, (number + 1) * variants)
        clips.append([SpeechClip(path.stem, utterance, mels[row], flags[row]) for row in rows])
    return clips


def _is_of(path: Path, corpus: Corpus) -> bool:
    utterance = read_name(path)
    return utterance is not None and utterance.corpus == corpus


def _versions(path: Path, seed: int, variants: int) -> list[tuple[Floats, NDArray[np.bool_]]]:
    samples = read_sound(path)
    # Seeded by name, so that a recording's variants do not depend on which others are there.
    random = np.random.default_rng([seed, *path.stem.encode()])
    return [hear(samples), *(hear(vary(samples, random)) for _ in range(variants - 1))]
