"""Training of the attention-LSTM: on speech first, then on speech and faces together."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model_export import fusion_data
from model_export.fusion_data import INPUTS, collate
from model_export.fusion_network import FusionNetwork
from model_export.sound_augment import vary_sound
from model_export.train_faces import update_average
from service.representation import LABELS, STEP_RATE, WINDOW

logger = logging.getLogger(__name__)

HORIZONS: Final = (0.5, 1.0, 2.0, 2.0, 4.0)
"""Seconds over which the forgetting answer forgets in training."""

SMOOTHING: Final = 0.05
"""Share of a target that is spread over all classes."""

_FIRST_JUDGED: Final = 6
"""Steps of evidence after which an answer along the way counts fully; before, it counts a little."""


@dataclass(frozen=True, slots=True)
class FusionRecipe:
    """How one stage is trained."""

    steps: int
    peak_rate: float = 3e-3
    weight_decay: float = 0.02
    averaging: float = 0.997
    judged: bool = True
    """Whether the speech encoder has a head of its own in training."""


SPEECH = FusionRecipe(steps=3000)
BOTH = FusionRecipe(steps=3000, peak_rate=2e-3)

BATCH: Final = 32

Draw = Callable[[np.random.Generator], fusion_data.Sequence]
"""Where the sequences of one place of a batch come from."""


def tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """NumPy arrays to tensors."""
    return {name: torch.from_numpy(array) for name, array in batch.items()}


class Judge(nn.Module):
    """A head for training alone: the emotion from the mean over speech of what the network remembers of the sound.
    With it the speech encoder learns several times faster than through attention and LSTM alone."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self._remembered: list[Tensor] = []
        network.remember.register_forward_hook(lambda _module, _inputs, output: self._remembered.append(output))
        self.head = nn.Linear(network.ring, len(LABELS))

    def forward(self, heard: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy per person [B] of what was remembered last; 0 where nothing was heard [B, T]."""
        spoken = heard.sum(dim=1, keepdim=True)
        mean = (self._remembered[-1] * heard.unsqueeze(2)).sum(dim=1) / spoken.clamp(min=1)
        self._remembered.clear()
        return cross_entropy(self.head(mean), target) * (spoken[:, 0] > 0)


def loss_of(
    network: FusionNetwork, judge: Judge | None, batch: dict[str, Tensor], state: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the whole at the end of evidence, and of both answers along the way; and the next state."""
    people = len(state)
    horizon = torch.tensor(HORIZONS)[torch.randint(len(HORIZONS), (people,))]
    inputs = {name: batch[name] for name in INPUTS}
    now, overall, _, _, evidence, after = network.measure(**inputs, decay=-1 / (STEP_RATE * horizon), state=state)
    met = evidence.cumsum(dim=1)
    weight = evidence * torch.where(met >= _FIRST_JUDGED, 1.0, 0.3)
    weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
    along = (cross_entropy(now, batch["target"]) * weight).sum(dim=1)
    steady = batch["whole"].sum(dim=1)  # 0 where the emotion changes on the way
    every = cross_entropy(overall, batch["whole"][:, None].expand_as(overall))
    met_any = (met[:, -1] > 0).float()
    loss = (0.5 * along + steady * (0.2 * (every * weight).sum(dim=1) + 0.8 * every[:, -1])) * met_any
    if judge is not None:
        loss = loss + judge(batch["heard"][:, WINDOW - 1 :], batch["target"][:, 0])
    return loss.mean(), after.detach()


def cross_entropy(logits: Tensor, target: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """Of distributions [..., 7], smoothed (Szegedy et al. 2016, arXiv 1512.00567)."""
    soft = (1 - smoothing) * target + smoothing / len(LABELS)
    return -(soft * functional.log_softmax(logits.float(), dim=-1)).sum(dim=-1)


def train_stage(
    network: FusionNetwork,
    places: Sequence[Draw],
    recipe: FusionRecipe,
    seed: int,
    score: Callable[[FusionNetwork], str],
) -> FusionNetwork:
    """One cycle of AdamW, a sequence from each of `places` a step; -> the moving average of the weights, in evaluation
    mode. The state is carried into sequences that go on (their gradient is not)."""
    torch.manual_seed(seed)
    random, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    average = copy.deepcopy(network)
    judge = Judge(network) if recipe.judged else None
    weights = [*network.parameters(), *(judge.parameters() if judge is not None else ())]
    optimiser = torch.optim.AdamW(weights, lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=recipe.steps, pct_start=0.15
    )
    state = torch.zeros(len(places), network.state_size)
    before = torch.zeros(len(places), WINDOW - 1)
    began, losses = time.monotonic(), []
    for step in range(1, recipe.steps + 1):
        network.train()
        batch = tensors(collate([draw(random) for draw in places]))
        vary_sound(batch["mel"], batch["sound_present"], network.speech_encoder.mean, generator)
        batch["heard"][:, : WINDOW - 1] = before * batch["goes_on"][:, None]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, state = loss_of(network, judge, batch, state * batch["goes_on"][:, None])
        state, before = state.float(), batch["heard"][:, 1 - WINDOW :]
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 2.0)
        optimiser.step()
        schedule.step()
        update_average(average, network, recipe.averaging)
        losses.append(loss.item())
        if step % 300 == 0 or step == recipe.steps:
            report = score(average.eval())
            logger.info(
                "step %d: loss %.3f, %s, %.0f s", step, np.mean(losses[-300:]), report, time.monotonic() - began
            )
    return average.eval()
