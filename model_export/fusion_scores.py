"""What the attention-LSTM answers over whole sequences, and how well, while it is trained."""

from collections.abc import Callable

import numpy as np
import torch

from model_export.fusion_data import INPUTS, Sequence, SequenceMaker, collate
from model_export.fusion_network import FusionNetwork

WAYS = ("audio", "video", "both")


@torch.no_grad()
def predict(network: FusionNetwork, sequences: list[Sequence], size: int = 64) -> np.ndarray:
    """Logits [N, 7] over each whole sequence, at its last step: what a batch pads it with does not matter."""
    network.eval()
    rows = []
    for start in range(0, len(sequences), size):
        batch = collate(sequences[start : start + size])
        people = len(batch["whole"])
        inputs = {name: torch.from_numpy(batch[name]) for name in INPUTS}
        state = torch.zeros(people, network.state_size)
        overall = network.measure(**inputs, decay=torch.zeros(people), state=state)[1]
        last = [len(sequence.heard) - 1 for sequence in sequences[start : start + size]]
        rows.append(overall[torch.arange(people), last].numpy())
    return np.concatenate(rows)


def clip_sequences(maker: SequenceMaker, count: int, modality: str, baseline: str = "absent") -> list[Sequence]:
    """The first `count` clips of `maker` as they are, the same at every call."""
    return [
        maker.from_clip(index, np.random.default_rng(index), modality=modality, baseline=baseline)
        for index in range(count)
    ]


def clip_scores(maker: SequenceMaker, count: int, ways: tuple[str, ...]) -> Callable[[FusionNetwork], str]:
    """A report of accuracy and mean recall on unaugmented clips by modality."""
    sequences = {modality: clip_sequences(maker, count, modality) for modality in ways}

    def report(network: FusionNetwork) -> str:
        parts = []
        for modality, rows in sequences.items():
            truth = np.array([row.whole.argmax() for row in rows])
            right = predict(network, rows).argmax(axis=1) == truth
            recall = np.mean([right[truth == label].mean() for label in np.unique(truth)])
            parts.append(f"{modality} {right.mean():.3f}/{recall:.3f}")
        return ", ".join(parts)

    return report
