"""Faces with soft labels: FER2013 pictures with FER+ votes, and press photographs cut with the service's own code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_export.face_votes import VOTE_COLUMNS
from service.representation import LABELS

VOTE_SHARE: Final = 0.8
"""Weight of the FER+ votes in a target; the rest is the FER2013 label, noisier but richer in disgust and fear."""

DEVELOPMENT: Final = 2_000
"""Training faces set aside for calibration and for choosing between runs; `fer_valid` is only ever reported on."""

_OURS = [VOTE_COLUMNS.index(label) for label in LABELS]


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures uint8 [N, 48, 48] with target distributions float32 [N, 7]."""

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, index: NDArray[np.intp]) -> "Faces":
        return Faces(self.images[index], self.targets[index])


def join(first: Faces, second: Faces) -> Faces:
    """Both collections, one after the other."""
    return Faces(np.concatenate([first.images, second.images]), np.concatenate([first.targets, second.targets]))


def soft_targets(votes: NDArray[np.uint8], labels: NDArray[np.int8] | None) -> NDArray[np.float32]:
    """Votes [N, 10] and FER2013 labels [N] -> distributions over the seven [N, 7].

    Single votes are dropped as slips (Barsoum et al. 2016, arXiv 1608.01041). A face without any vote for one of the
    seven, or voted most often contempt, unknown or no face, gets a row of zeros and is not trained on.
    """
    counts = np.where(votes > 1, votes, 0).astype(np.float32)
    ours = counts[:, _OURS]
    usable = (ours.sum(axis=1) > 0) & (ours.max(axis=1) >= counts.max(axis=1))
    targets = ours / np.maximum(ours.sum(axis=1, keepdims=True), 1)
    if labels is not None:
        targets = VOTE_SHARE * targets + (1 - VOTE_SHARE) * np.eye(len(LABELS), dtype=np.float32)[labels]
    targets[~usable] = 0
    return np.asarray(targets, np.float32)


def load_fer(path: Path) -> tuple[Faces, NDArray[np.uint8]]:
    """One of the fer_*.npz files -> usable faces with soft targets, and their votes [N, 10]."""
    with np.load(path) as archive:
        images, votes = archive["images"], archive["votes"]
        labels = archive["fer2013_label"] if "fer2013_label" in archive.files else None
    targets = soft_targets(votes, labels)
    keep = np.flatnonzero(targets.sum(axis=1) > 0)
    return Faces(images[keep], targets[keep]), votes[keep]


def split_development(faces: Faces, votes: NDArray[np.uint8]) -> tuple[Faces, Faces, NDArray[np.uint8]]:
    """-> (training faces, development faces, their votes). The split is fixed, whatever the training seed."""
    order = np.random.default_rng(2013).permutation(len(faces))
    return faces.take(order[DEVELOPMENT:]), faces.take(order[:DEVELOPMENT]), votes[order[:DEVELOPMENT]]


def class_weights(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 / sqrt(frequency) per class [7], scaled so that the mean weight over the data is 1."""
    frequency = targets.sum(axis=0) / targets.sum()
    weights = 1 / np.sqrt(np.maximum(frequency, 1e-4))
    return np.asarray(weights / (weights * frequency).sum(), np.float32)
