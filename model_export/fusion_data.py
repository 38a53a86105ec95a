"""Sequences for the attention-LSTM: real speech, faces that follow a real or constructed course, and gaps in both.

There is no large set of labelled face video with speech here, so a face sequence is *constructed*: each clip's
expression track (see `expression_tracks`) says how likely each emotion is at each step, and faces of FER2013 whose
majority vote is an emotion drawn from it stand in for the person, each held for a fraction of a second. Their pixels
are real, their succession is not. For SAVEE and EmoDB, which have no video, the track of a RAVDESS clip of the same
label is borrowed: label-matched pairs of unrelated faces and voices.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_export.expression_tracks import ExpressionTrack
from model_export.speech_features import SpeechClip
from service.representation import LABELS, MEL_BINS, MELS_PER_STEP, WINDOW

Floats = NDArray[np.float32]

INPUTS: Final = ("face", "face_present", "mel", "sound_present", "heard", "baseline")
"""What a batch of sequences gives to the network, in its order; decay and state come after."""

_NEUTRAL: Final = LABELS.index("neutral")


@dataclass(frozen=True, slots=True)
class FaceBank:
    """Embeddings of still faces by majority label, several augmented variants of each."""

    embeddings: NDArray[np.float16]
    """[N, V, E]"""
    targets: Floats
    """[N, 7], soft."""
    rows: tuple[NDArray[np.intp], ...]
    """For each label, the faces that express it."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """T steps of one person with what is expressed."""

    face: Floats
    face_present: Floats
    mel: Floats
    sound_present: Floats
    heard: Floats
    """[T], whether the step's sound is speech."""
    target: Floats
    """[T, 7], what is expressed now."""
    whole: Floats
    """[7], what is expressed over the whole sequence; zeros where the emotion changes in it."""


class SequenceMaker:
    """Draws training sequences from clips, tracks and faces."""

    def __init__(
        self, clips: list[list[SpeechClip]], tracks: dict[str, ExpressionTrack], bank: FaceBank, longest: int
    ) -> None:
        self._clips = clips
        self._tracks = tracks
        self._bank = bank
        self._longest = longest
        self._labels = np.array([label_of(versions[0]) for versions in clips])
        counts = np.bincount(self._labels, minlength=len(LABELS))
        weights = 1 / np.sqrt(counts[self._labels])
        self._weights = weights / weights.sum()
        speakers = [versions[0].utterance.speaker for versions in clips]
        self._by_speaker = {
            speaker: np.flatnonzero([other == speaker for other in speakers]) for speaker in dict.fromkeys(speakers)
        }
        self._borrowed = [
            [track for name, track in tracks.items() if track.logits.argmax() == label] for label in range(len(LABELS))
        ]

    def draw(self, random: np.random.Generator) -> Sequence:
        """One random sequence: a still face, a clip, or two clips of one speaker joined."""
        kind = random.random()
        if kind < 0.18:
            return self._still(random)
        index = int(random.choice(len(self._clips), p=self._weights))
        first = self.from_clip(index, random)
        if kind < 0.75:
            return first
        speaker = self._clips[index][0].utterance.speaker
        second = self.from_clip(int(random.choice(self._by_speaker[speaker])), random)
        return _join(first, second, self._longest)

    def draw_speech(self, random: np.random.Generator) -> Sequence:
        """A random clip, sound alone."""
        return self.from_clip(int(random.choice(len(self._clips), p=self._weights)), random, modality="audio")

    def from_clip(
        self, index: int, random: np.random.Generator, *, modality: str | None = None, version: int | None = None
    ) -> Sequence:
        """A clip with the modalities that chance, or `modality` (audio, video, both), picks."""
        versions = self._clips[index]
        clip = versions[int(random.integers(len(versions))) if version is None else version]
        label = label_of(clip)
        start = 0 if version is not None else int(random.integers(0, 12))
        mel = clip.mel[start : start + self._longest].astype(np.float32)
        speech = clip.speech[start : start + self._longest].astype(np.float32)
        steps = len(speech)
        chosen = modality or str(random.choice(["audio", "video", "both"], p=[0.42, 0.18, 0.40]))
        sound = np.full(steps, float(chosen != "video"), np.float32)
        face, present = np.zeros((steps, self._bank.embeddings.shape[2]), np.float32), np.zeros(steps, np.float32)
        if chosen != "audio":
            track = self._tracks.get(clip.name) or self._borrow(label, random)
            face = self._faces(track.over(steps, clip.speech[start : start + steps], random), random)
            present[:] = 1
            if modality is None:
                _lose(present, random)
        if modality is None and chosen == "both" and random.random() < 0.2:
            _lose(sound, random)
        target = np.repeat(np.eye(len(LABELS), dtype=np.float32)[None, label], steps, axis=0)
        return Sequence(
            face * present[:, None], present, mel * sound[:, None, None], sound, speech * sound, target, target[0]
        )

    def _borrow(self, label: int, random: np.random.Generator) -> ExpressionTrack:
        tracks = self._borrowed[label]
        return tracks[int(random.integers(len(tracks)))]

    def _faces(self, posteriors: Floats, random: np.random.Generator) -> Floats:
        """Embeddings [T, E] of faces drawn from posteriors [T, 7], each face held for 3 to 25 steps."""
        steps = len(posteriors)
        out = np.empty((steps, self._bank.embeddings.shape[2]), np.float32)
        at = 0
        while at < steps:
            held = min(int(random.integers(3, 26)), steps - at)
            label = int(random.choice(len(LABELS), p=posteriors[at] / posteriors[at].sum()))
            out[at : at + held] = self._embed(int(random.choice(self._bank.rows[label])), held, random)
            at += held
        return out

    def _embed(self, row: int, steps: int, random: np.random.Generator) -> NDArray[np.float16]:
        """[steps, E] of one face, its variants changing now and then as crops of a moving head do."""
        variants = self._bank.embeddings.shape[1]
        changes = np.cumsum(random.random(steps) < 0.3)
        return np.asarray(self._bank.embeddings[row, random.integers(variants, size=steps)[changes - changes[0]]])

    def _still(self, random: np.random.Generator) -> Sequence:
        """One face seen for 1 to 30 steps in silence: a silent video of a still picture."""
        label = int(random.integers(len(LABELS)))
        row = int(random.choice(self._bank.rows[label]))
        steps = int(random.integers(1, 31))
        flat = np.zeros(steps, np.float32)
        target = self._bank.targets[row]
        return Sequence(
            self._embed(row, steps, random).astype(np.float32),
            flat + 1,
            np.zeros((steps, MELS_PER_STEP, MEL_BINS), np.float32),
            flat,
            flat,
            np.repeat(target[None], steps, axis=0),
            target,
        )


def label_of(clip: SpeechClip) -> int:
    """The label's index; calm and boredom count as neutral in training, and are left out of every score."""
    return LABELS.index(clip.utterance.label) if clip.utterance.label is not None else _NEUTRAL


def _lose(present: Floats, random: np.random.Generator) -> None:
    """Take single spans out of a modality, at times its beginning or its end."""
    for _ in range(int(random.integers(0, 3))):
        at, length = int(random.integers(len(present))), int(random.integers(5, 40))
        present[at : at + length] = 0


def _join(first: Sequence, second: Sequence, longest: int) -> Sequence:
    """Two sequences one after the other, cut to `longest`; the first may be cut short before."""
    keep = min(len(first.heard), longest // 2)

    def both(name: str) -> Floats:
        return np.concatenate([getattr(first, name)[-keep:], getattr(second, name)])[:longest]

    whole = first.whole if np.array_equal(first.whole, second.whole) else np.zeros_like(first.whole)
    return Sequence(
        both("face"), both("face_present"), both("mel"), both("sound_present"), both("heard"), both("target"), whole
    )


def collate(sequences: list[Sequence]) -> dict[str, Floats]:
    """Sequences padded at the end with nothing seen and nothing heard -> arrays [B, T, …] by name: the INPUTS, then
    `target` and `whole`."""
    steps = max(len(sequence.heard) for sequence in sequences)
    batch = {}
    for name in ("face", "face_present", "mel", "sound_present", "heard", "target"):
        rows = [getattr(sequence, name) for sequence in sequences]
        before = WINDOW - 1 if name == "heard" else 0  # the steps before the first
        out = np.zeros((len(rows), before + steps, *rows[0].shape[1:]), np.float32)
        for place, row in zip(out, rows, strict=True):
            place[before : before + len(row)] = row
        batch[name] = out
    batch["baseline"] = np.zeros((len(sequences), len(LABELS) + 1), np.float32)
    batch["whole"] = np.stack([sequence.whole for sequence in sequences])
    return batch
