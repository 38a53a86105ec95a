"""Training sequences from real videos of people who speak: faces and voice are one person's, in step."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_export.datasets.features import ClipFeatures
from model_export.fusion_data import Sequence
from model_export.fusion_material import LONGEST
from service.engine import Engine
from service.representation import LABELS

Floats = NDArray[np.float32]

_WAYS: Final = ("audio", "video", "both")
_SHARES: Final = (0.25, 0.25, 0.5)
_ENCODED_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class RealClip:
    """A clip as the network takes it."""

    features: ClipFeatures
    views: tuple[NDArray[np.float16], NDArray[np.float16]]
    """Embeddings [F, E] of the faces as they are, and mirrored."""
    label: int


def embed(engine: Engine, features: ClipFeatures, label: int) -> RealClip:
    """`features` with what the engine's face encoder makes of the faces."""
    mirrored = np.ascontiguousarray(features.crops[:, :, ::-1])
    return RealClip(features, (_embeddings(engine, features.crops), _embeddings(engine, mirrored)), label)


def whole_sequence(clip: RealClip, way: str = "both") -> Sequence:
    """A clip as it is, by its sound (`audio`), its pictures (`video`) or `both`."""
    return _sequence(clip, clip.views[0], way, slice(None))


class RealSequences:
    """Draws training sequences, rare emotions more often."""

    def __init__(self, clips: Rows[RealClip]) -> None:
        """`clips` of a step or more. Raises ValueError for fewer than two emotions."""
        self._clips = clips
        labels = np.array([clip.label for clip in clips], np.int64)
        counts = np.bincount(labels, minlength=len(LABELS))
        if (counts > 0).sum() < 2:
            raise ValueError("there are clips of fewer than two emotions to train on")
        weights = 1 / np.sqrt(counts[labels])
        self._weights = weights / weights.sum()

    def draw(self, random: np.random.Generator) -> Sequence:
        """A random part of a random clip: by sound, by picture or by both, mirrored or not."""
        clip = self._clips[int(random.choice(len(self._clips), p=self._weights))]
        spare = max(0, len(clip.features.face) - LONGEST)
        start = int(random.integers(spare + 1))
        way = str(random.choice(_WAYS, p=_SHARES))
        return _sequence(clip, clip.views[int(random.integers(2))], way, slice(start, start + LONGEST))


def _sequence(clip: RealClip, view: NDArray[np.float16], way: str, part: slice) -> Sequence:
    features = clip.features
    steps = len(features.face[part])
    present = features.face[part].astype(np.float32) * (way != "audio")
    sound = features.sound[part].astype(np.float32) * (way != "video")
    face = np.zeros((len(features.face), view.shape[1]), np.float32)
    face[features.face] = view
    whole = np.eye(len(LABELS), dtype=np.float32)[clip.label]
    return Sequence(
        face=face[part] * present[:, None],
        face_present=present,
        mel=features.mel[part].astype(np.float32) * sound[:, None, None],
        sound_present=sound,
        heard=features.speech[part].astype(np.float32) * sound,
        baseline=np.zeros(len(LABELS) + 1, np.float32),
        target=np.repeat(whole[None], steps, axis=0),
        whole=whole,
    )


def _embeddings(engine: Engine, crops: NDArray[np.uint8]) -> NDArray[np.float16]:
    parts = [
        engine.encode(crops[start : start + _ENCODED_AT_ONCE]).embedding
        for start in range(0, len(crops), _ENCODED_AT_ONCE)
    ]
    return np.concatenate(parts or [np.zeros((0, engine.fusion.embedding_size), np.float32)]).astype(np.float16)
