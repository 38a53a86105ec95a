"""Sequences for the attention-LSTM: real speech, faces that follow a real or constructed course, and gaps in both.

There is no large set of labelled face video with speech here, so a face sequence is *constructed*: each clip's
expression track (see `expression_tracks`) says how likely each emotion is at each step, and faces of FER2013 whose
majority vote is an emotion drawn from it stand in for the person, each held for a fraction of a second (see
`fusion_faces`). Their pixels are real, their succession is not. For SAVEE and EmoDB, which have no video, the track of
a RAVDESS clip of the same label is borrowed: label-matched pairs of unrelated faces and voices.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_export.expression_tracks import ExpressionTrack
from model_export.fusion_faces import FaceBank, MadePerson
from model_export.speech_features import SpeechClip
from service.representation import LABELS, MEL_BINS, MELS_PER_STEP, WINDOW

Floats = NDArray[np.float32]

INPUTS: Final = ("face", "face_present", "mel", "sound_present", "heard", "baseline")
"""What a batch of sequences gives to the network, in its order; decay and state come after."""

BASELINES: Final = ("absent", "short", "long", "neutral")
_BASELINE_SHARES: Final = (0.45, 0.2, 0.2, 0.15)

_STILLS: Final = 0.22
"""Share of training sequences that are one still face in silence."""

_CONFLICTS: Final = 0.06
"""Share of sequences with face and voice in which the face goes with another emotion than the voice."""

_GOING_ON: Final = 0.5
"""Share of what follows a clip that continues it with another clip of the same speaker."""

_NEUTRAL: Final = LABELS.index("neutral")


@dataclass(frozen=True, slots=True)
class Sequence:
    """T steps of one person with what is expressed."""

    face: Floats
    face_present: Floats
    mel: Floats
    sound_present: Floats
    heard: Floats
    """[T], whether the step's sound is speech."""
    baseline: Floats
    """[8]"""
    target: Floats
    """[T, 7], what is expressed now."""
    whole: Floats
    """[7], what is expressed over the whole sequence; zeros where the emotion changes in it."""
    goes_on: bool = False
    """Whether this continues the sequence before it in the same place of a batch."""


class SequenceMaker:
    """Draws training sequences from clips, tracks and faces."""

    def __init__(
        self,
        clips: list[list[SpeechClip]],
        tracks: dict[str, ExpressionTrack],
        bank: FaceBank | None,
        longest: int,
        embedding_size: int = 0,
    ) -> None:
        """Without a `bank` of faces there are sequences of sound alone, for a network that expects embeddings of
        `embedding_size`."""
        self._clips = clips
        self._tracks = tracks
        self._bank = bank
        self._longest = longest
        self._embedding = bank.embeddings.shape[2] if bank is not None else embedding_size
        self._labels = np.array([label_of(versions[0]) for versions in clips])
        corpora = np.unique([versions[0].utterance.corpus for versions in clips], return_inverse=True)[1]
        weights = _rarity(self._labels) * _rarity(corpora)
        self._weights = weights / weights.sum()
        speakers = [versions[0].utterance.speaker for versions in clips]
        self._by_speaker = {
            speaker: np.flatnonzero([other == speaker for other in speakers]) for speaker in dict.fromkeys(speakers)
        }
        self._borrowed = [
            [track for name, track in tracks.items() if track.logits.argmax() == label] for label in range(len(LABELS))
        ]
        if bank is not None:
            stills = np.sqrt([len(rows) for rows in bank.rows])
            self._still_labels = stills / stills.sum()

    def stream(self) -> "Stream":
        """Sequences for one place of a batch."""
        return Stream(self)

    def draw_speech(self, random: np.random.Generator) -> Sequence:
        """A random clip, sound alone."""
        return self.from_clip(self.draw_clip(random), random, modality="audio", vary=True)

    def draw_clip(self, random: np.random.Generator, speaker: str | None = None) -> int:
        """A random clip's index, rare emotions more often; of `speaker` where given."""
        if speaker is not None:
            return int(random.choice(self._by_speaker[speaker]))
        return int(random.choice(len(self._clips), p=self._weights))

    def speaker(self, index: int) -> str:
        """Who speaks in a clip."""
        return self._clips[index][0].utterance.speaker

    def person(self, random: np.random.Generator) -> MadePerson | None:
        """Someone new to look at."""
        return MadePerson(self._bank, random) if self._bank is not None else None

    def from_clip(
        self,
        index: int,
        random: np.random.Generator,
        *,
        modality: str,
        person: MadePerson | None = None,
        baseline: str = "absent",
        vary: bool = False,
    ) -> Sequence:
        """A clip as `audio`, `video` or `both`; with `vary` cut close, augmented, with gaps and conflicts."""
        versions = self._clips[index]
        clip = versions[int(random.integers(len(versions))) if vary else 0]
        label = label_of(clip)
        part = _cut(clip.speech, self._longest, random) if vary else slice(self._longest)
        mel = clip.mel[part].astype(np.float32)
        flags = clip.speech[part]
        steps = len(flags)
        sound = np.full(steps, float(modality != "video"), np.float32)
        present = np.full(steps, float(modality != "audio"), np.float32)
        face = np.zeros((steps, self._embedding), np.float32)
        usual = np.zeros(len(LABELS) + 1, np.float32)
        whole = np.eye(len(LABELS), dtype=np.float32)[label]
        if modality != "audio":
            track = self._tracks.get(clip.name) or self._borrow(label, random)
            if vary and modality == "both" and random.random() < _CONFLICTS:
                other = int(random.integers(len(LABELS)))
                track = self._borrow(other, random)
                whole = (whole + np.eye(len(LABELS), dtype=np.float32)[other]) / 2
            bank = self._seen()
            person = person or MadePerson(bank, random)
            rows = person.follow(track.over(steps, flags, random), random)
            face = bank.embed(rows, random)
            usual = person.baseline(rows, baseline, random)
            if vary:
                _lose(present, random)
        if vary and modality == "both" and random.random() < 0.2:
            _lose(sound, random)
        return Sequence(
            face=face * present[:, None],
            face_present=present,
            mel=mel * sound[:, None, None],
            sound_present=sound,
            heard=flags * sound,
            baseline=usual,
            target=np.repeat(whole[None], steps, axis=0),
            whole=whole,
        )

    def still(self, random: np.random.Generator, row: int | None = None, label: int = 0) -> Sequence:
        """One face seen in silence: face `row` with its `label` for a step, or, to train on, any for 1 to 30 steps with
        all that people saw in it."""
        bank = self._seen()
        steps = int(random.integers(1, 31)) if row is None else 1
        whole = np.eye(len(LABELS), dtype=np.float32)[label]
        if row is None:
            row = int(random.choice(bank.rows[int(random.choice(len(LABELS), p=self._still_labels))]))
            whole = bank.targets[row]
        flat = np.zeros(steps, np.float32)
        return Sequence(
            face=bank.embed(np.full(steps, row), random),
            face_present=flat + 1,
            mel=np.zeros((steps, MELS_PER_STEP, MEL_BINS), np.float32),
            sound_present=flat,
            heard=flat,
            baseline=np.zeros(len(LABELS) + 1, np.float32),
            target=np.repeat(whole[None], steps, axis=0),
            whole=whole,
        )

    def _seen(self) -> FaceBank:
        if self._bank is None:
            raise ValueError("sequences with faces need a bank of them")
        return self._bank

    def _borrow(self, label: int, random: np.random.Generator) -> ExpressionTrack:
        tracks = self._borrowed[label]
        return tracks[int(random.integers(len(tracks)))]


class Stream:
    """One place of a batch: stills, and clips that may go on with another clip of the same speaker and face."""

    def __init__(self, maker: SequenceMaker) -> None:
        self._maker = maker
        self._speaker: str | None = None
        self._person: MadePerson | None = None

    def __call__(self, random: np.random.Generator) -> Sequence:
        goes_on = self._speaker is not None and random.random() < _GOING_ON
        if not goes_on:
            self._speaker = None
            if random.random() < _STILLS:
                return self._maker.still(random)
            self._person = self._maker.person(random)
        index = self._maker.draw_clip(random, self._speaker)
        self._speaker = self._maker.speaker(index)
        sequence = self._maker.from_clip(
            index,
            random,
            modality=str(random.choice(["audio", "video", "both"], p=[0.42, 0.18, 0.40])),
            person=self._person,
            baseline=str(random.choice(BASELINES, p=_BASELINE_SHARES)),
            vary=True,
        )
        # What was before may have been another emotion: there is no one answer over everything.
        return replace(sequence, goes_on=True, whole=np.zeros_like(sequence.whole)) if goes_on else sequence


def label_of(clip: SpeechClip) -> int:
    """The label's index; calm and boredom count as neutral in training, and are left out of every score."""
    return LABELS.index(clip.utterance.label) if clip.utterance.label is not None else _NEUTRAL


def _rarity(groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """1 / sqrt(size of its group) for each member."""
    return np.asarray(1 / np.sqrt(np.bincount(groups)[groups]))


def _cut(speech: NDArray[np.bool_], longest: int, random: np.random.Generator) -> slice:
    """At most `longest` steps, somewhere between 14 steps before the first speech and 20 after the last; without
    speech, anywhere."""
    spoken = np.flatnonzero(speech)
    start, stop = 0, len(speech)
    if len(spoken):
        start = max(0, int(spoken[0]) - int(random.integers(15)))
        stop = min(stop, int(spoken[-1]) + int(random.integers(2, 21)))
    start += int(random.integers(max(0, stop - start - longest) + 1))
    return slice(start, min(stop, start + longest))


def _lose(present: Floats, random: np.random.Generator) -> None:
    """Take single spans out of a modality, at times its beginning or its end."""
    for _ in range(int(random.integers(0, 3))):
        at, length = int(random.integers(len(present))), int(random.integers(5, 40))
        present[at : at + length] = 0


def collate(sequences: list[Sequence]) -> dict[str, Floats]:
    """Sequences padded at the end with nothing seen and nothing heard -> arrays [B, T, …] by name: the INPUTS, then
    `target`, `whole` and `goes_on`. Nothing was `heard` before the first step."""
    steps = max(len(sequence.heard) for sequence in sequences)
    batch = {}
    for name in ("face", "face_present", "mel", "sound_present", "heard", "target"):
        rows = [getattr(sequence, name) for sequence in sequences]
        before = WINDOW - 1 if name == "heard" else 0
        out = np.zeros((len(rows), before + steps, *rows[0].shape[1:]), np.float32)
        for place, row in zip(out, rows, strict=True):
            place[before : before + len(row)] = row
        batch[name] = out
    for name in ("baseline", "whole", "goes_on"):
        batch[name] = np.stack([np.float32(getattr(sequence, name)) for sequence in sequences])
    return batch
