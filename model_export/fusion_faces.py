"""Faces of FER2013 as people who were never filmed: what they show, how they usually look.

A *made person* is a run of strangers' faces that share a habit: of several faces with the wanted expression the one is
picked that leans the person's way (towards looking stern, say). The network can learn from them what a personal
baseline is good for, and what it is not.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from model_export.face_augment import augment
from model_export.face_data import Faces
from model_export.face_network import ExportedFaceEncoder
from service.engine.engine import BASELINE_FLOOR, BASELINE_HALF
from service.representation import LABELS, STEP_RATE

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

VARIANTS: Final = 4
"""Versions of each face: the picture itself and augmented ones."""

_CLEAR: Final = 0.5
_CANDIDATES: Final = 6
_HABIT: Final = 0.4
_NEUTRAL: Final = LABELS.index("neutral")


@dataclass(frozen=True, slots=True)
class FaceBank:
    """Embeddings of still faces by majority label, several augmented variants of each."""

    embeddings: NDArray[np.float16]
    """[N, V, E]"""
    logs: Floats
    """[N, 7], log probabilities of the encoder's own head for the picture itself, not below `BASELINE_FLOOR`."""
    targets: Floats
    """[N, 7], what people saw in them."""
    rows: tuple[Rows, ...]
    """For each label, the faces that express it."""

    def embed(self, rows: Rows, random: np.random.Generator) -> Floats:
        """[T, E] of the faces `rows` [T], their variants changing now and then as crops of a moving head do."""
        changes = np.cumsum(random.random(len(rows)) < 0.3)
        variants = random.integers(self.embeddings.shape[1], size=len(rows))[changes - changes[0]]
        return np.asarray(self.embeddings[rows, variants], np.float32)


def embed_faces(encoder: ExportedFaceEncoder, faces: Faces, seed: int) -> FaceBank:
    """Each face as it is and in augmented variants."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(faces.images)
    variants, logs = [], []
    with torch.no_grad():
        for variant in range(VARIANTS):
            parts = []
            for start in range(0, len(images), 256):
                batch = images[start : start + 256]
                embedding, probabilities = encoder(augment(batch, generator) if variant else batch)
                parts.append(embedding.half())
                if not variant:
                    logs.append(probabilities.log().clamp(min=BASELINE_FLOOR))
            variants.append(torch.cat(parts).numpy())
    top = faces.targets.argmax(axis=1)
    clear = faces.targets.max(axis=1) > _CLEAR
    rows = tuple(np.flatnonzero(clear & (top == label)) for label in range(len(LABELS)))
    return FaceBank(np.stack(variants, axis=1), torch.cat(logs).numpy(), faces.targets, rows)


class MadePerson:
    """Strangers' faces that share a habit."""

    def __init__(self, bank: FaceBank, random: np.random.Generator) -> None:
        self._bank = bank
        self._habit = random.normal(0, _HABIT, len(LABELS)).astype(np.float32)

    def pick(self, label: int, random: np.random.Generator) -> int:
        """A face that expresses `label` and leans the person's way."""
        some = random.choice(self._bank.rows[label], _CANDIDATES)
        return int(some[(self._bank.logs[some] @ self._habit + random.gumbel(size=_CANDIDATES)).argmax()])

    def follow(self, posteriors: Floats, random: np.random.Generator) -> Rows:
        """Faces [T] drawn from posteriors [T, 7], each face held for 3 to 25 steps."""
        rows, at = np.empty(len(posteriors), np.intp), 0
        while at < len(rows):
            held = int(random.integers(3, 26))
            rows[at : at + held] = self.pick(int(random.choice(len(LABELS), p=_whole(posteriors[at]))), random)
            at += held
        return rows

    def baseline(self, shown: Rows, kind: str, random: np.random.Generator) -> Floats:
        """[8] for the network: `absent`; `short`, the mean over up to 5 s of what is being `shown`; `long`, over many
        expressions of 10 s to 10 min; `neutral`, of a resting face."""
        if kind == "absent":
            return np.zeros(len(LABELS) + 1, np.float32)
        if kind == "short":
            rows = shown[: int(random.integers(3, 5 * STEP_RATE))]
            seconds = len(rows) / STEP_RATE
        elif kind == "long":
            # Most of most people's time is near neutral.
            mixture = random.dirichlet(np.where(np.arange(len(LABELS)) == _NEUTRAL, 2.0, 0.5))
            rows = np.array([self.pick(int(label), random) for label in random.choice(len(LABELS), 24, p=mixture)])
            seconds = float(np.exp(random.uniform(np.log(10), np.log(600))))
        else:
            rows = np.array([self.pick(_NEUTRAL, random) for _ in range(int(random.integers(1, 5)))])
            seconds = random.uniform(0.5, 10)
        return np.append(self._bank.logs[rows].mean(axis=0), seconds / (seconds + BASELINE_HALF)).astype(np.float32)


def _whole(posterior: Floats) -> NDArray[np.float64]:
    """The posterior in a precision in which it sums to 1."""
    exact = posterior.astype(np.float64)
    return np.asarray(exact / exact.sum())
