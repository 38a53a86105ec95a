"""What the attention-LSTM answers over whole sequences, and how well, while it is trained."""

from collections.abc import Callable
from collections.abc import Sequence as Rows

import numpy as np
import torch

from model_export.fusion_data import INPUTS, Sequence, SequenceMaker, collate
from model_export.fusion_network import FusionNetwork
from model_export.metrics import Predictions

WAYS = ("audio", "video", "both")


@torch.no_grad()
def predict(network: FusionNetwork, sequences: Rows[Sequence], size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Logits [N, 7] over each whole sequence, at its last step, and the steps of sound and of pictures behind them
    [N, 2]: what a batch pads a sequence with does not matter."""
    network.eval()
    logits, met = [], []
    for start in range(0, len(sequences), size):
        batch = collate(list(sequences[start : start + size]))
        people = len(batch["whole"])
        inputs = {name: torch.from_numpy(batch[name]) for name in INPUTS}
        state = torch.zeros(people, network.state_size)
        found = network.measure(**inputs, decay=torch.zeros(people), state=state)
        last = [len(sequence.heard) - 1 for sequence in sequences[start : start + size]]
        logits.append(found.overall[torch.arange(people), last].numpy())
        met.append(found.met[torch.arange(people), last].numpy())
    return np.concatenate(logits), np.concatenate(met)


def distributions(network: FusionNetwork, sequences: Rows[Sequence]) -> Predictions:
    """What `network` answers at the end of whole sequences, beside their labels."""
    probabilities = torch.softmax(torch.from_numpy(predict(network, sequences)[0]), dim=1).double().numpy()
    return Predictions(probabilities, np.array([sequence.whole.argmax() for sequence in sequences], dtype=np.int64))


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
            right = predict(network, rows)[0].argmax(axis=1) == truth
            recall = np.mean([right[truth == label].mean() for label in np.unique(truth)])
            parts.append(f"{modality} {right.mean():.3f}/{recall:.3f}")
        return ", ".join(parts)

    return report
