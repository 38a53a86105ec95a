"""Training of the attention-LSTM: on speech first, then on speech and faces together."""

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model_export.fusion_data import INPUTS, Sequence, SequenceMaker, collate
from model_export.fusion_network import FusionNetwork
from model_export.train_faces import update_average
from service.representation import LABELS, STEP_RATE

logger = logging.getLogger(__name__)

HORIZONS: Final = (0.5, 1.0, 2.0, 2.0, 4.0)
"""Seconds over which the forgetting answer forgets in training."""

_FIRST_JUDGED: Final = 6
"""Steps of evidence after which an answer along the way counts fully; before, it counts a little."""


@dataclass(frozen=True, slots=True)
class FusionRecipe:
    """How one stage is trained."""

    steps: int
    batch: int = 32
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    smoothing: float = 0.05
    averaging: float = 0.997


SPEECH = (FusionRecipe(steps=1400, peak_rate=3e-3), FusionRecipe(steps=2600, peak_rate=3e-3))
"""Two cycles, the second from where the first ended."""
BOTH = FusionRecipe(steps=2600, peak_rate=2e-3)

Draw = Callable[[np.random.Generator], Sequence]


def tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """NumPy arrays to tensors."""
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def measure(network: FusionNetwork, batch: dict[str, Tensor], decay: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits that forget with `decay` [B], logits over everything so far (both [B, T, 7]), evidence [B, T]."""
    state = torch.zeros(len(decay), network.state_size)
    now, overall, _, _, evidence, _ = network.measure(
        **{name: batch[name] for name in INPUTS}, decay=decay, state=state
    )
    return now, overall, evidence


def loss_of(network: FusionNetwork, batch: dict[str, Tensor], recipe: FusionRecipe) -> Tensor:
    """Cross-entropy of the whole at the end of evidence, and of both answers along the way."""
    people = len(batch["whole"])
    horizon = torch.tensor(HORIZONS)[torch.randint(len(HORIZONS), (people,))]
    now, overall, evidence = measure(network, batch, -1 / (STEP_RATE * horizon))
    met = evidence.cumsum(dim=1)
    weight = evidence * torch.where(met >= _FIRST_JUDGED, 1.0, 0.3)
    weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
    along = (_cross_entropy(now, batch["target"], recipe.smoothing) * weight).sum(dim=1)
    steady = batch["whole"].sum(dim=1)  # 0 where the emotion changes on the way
    whole = batch["whole"][:, None].expand_as(overall)
    every = _cross_entropy(overall, whole, recipe.smoothing)
    heard = (met[:, -1] > 0).float()
    return ((0.5 * along + steady * (0.2 * (every * weight).sum(dim=1) + 0.8 * every[:, -1])) * heard).mean()


def _cross_entropy(logits: Tensor, target: Tensor, smoothing: float) -> Tensor:
    soft = (1 - smoothing) * target + smoothing / len(LABELS)
    return -(soft * functional.log_softmax(logits, dim=-1)).sum(dim=-1)


def train_stage(
    network: FusionNetwork, draw: Draw, recipe: FusionRecipe, seed: int, score: Callable[[FusionNetwork], str]
) -> FusionNetwork:
    """One cycle of AdamW over sequences from `draw`; -> the moving average of the weights, in evaluation mode."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=recipe.steps, pct_start=0.15
    )
    began, losses = time.monotonic(), []
    for step in range(1, recipe.steps + 1):
        network.train()
        batch = tensors(collate([draw(random) for _ in range(recipe.batch)]))
        spec_augment(batch["mel"], network.speech_encoder.mean, random)
        loss = loss_of(network, batch, recipe)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        update_average(average, network, recipe.averaging)
        losses.append(loss.item())
        if step % 250 == 0 or step == recipe.steps:
            report = score(average.eval())
            logger.info(
                "step %d: loss %.3f, %s, %.0f s", step, np.mean(losses[-250:]), report, time.monotonic() - began
            )
    return average.eval()


def spec_augment(mel: Tensor, mean: Tensor, random: np.random.Generator) -> None:
    """Replace random bands and spans of log-mel frames [B, T, 4, 64] by the mean, and shift levels, in place
    (Park et al. 2019, arXiv 1904.08779)."""
    for row in mel:
        for _ in range(int(random.integers(0, 3))):
            band = int(random.integers(0, mel.shape[3] - 4))
            width = int(random.integers(2, 10))
            row[:, :, band : band + width] = mean[band : band + width]
        for _ in range(int(random.integers(0, 3))):
            start, length = int(random.integers(0, mel.shape[1])), int(random.integers(2, 8))
            row[start : start + length] = mean
        row += float(random.normal(0, 0.5))


@torch.no_grad()
def predict(network: FusionNetwork, sequences: list[Sequence], size: int = 64) -> np.ndarray:
    """Logits [N, 7] over each whole sequence."""
    network.eval()
    rows = []
    for start in range(0, len(sequences), size):
        batch = tensors(collate(sequences[start : start + size]))
        rows.append(measure(network, batch, torch.zeros(len(batch["whole"])))[1][:, -1].numpy())
    return np.concatenate(rows)


def clip_scores(
    maker: SequenceMaker, indices: list[int], modalities: tuple[str, ...]
) -> Callable[[FusionNetwork], str]:
    """A report of accuracy and mean recall on unaugmented clips by modality."""
    sequences = {
        modality: [
            maker.from_clip(index, np.random.default_rng(index), modality=modality, version=0) for index in indices
        ]
        for modality in modalities
    }

    def report(network: FusionNetwork) -> str:
        parts = []
        for modality, rows in sequences.items():
            truth = np.array([row.whole.argmax() for row in rows])
            right = predict(network, rows).argmax(axis=1) == truth
            recall = np.mean([right[truth == label].mean() for label in np.unique(truth)])
            parts.append(f"{modality} {right.mean():.3f}/{recall:.3f}")
        return ", ".join(parts)

    return report
