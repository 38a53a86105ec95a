"""Training of the attention-LSTM: its speech encoder first, then all of it, on speech or on speech and faces."""

import copy
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model_export import fusion_data
from model_export.fusion_data import INPUTS, collate
from model_export.fusion_network import FusionNetwork
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
    peak_rate: float = 2e-3
    weight_decay: float = 0.02
    averaging: float = 0.997


ENCODER = FusionRecipe(steps=1600, peak_rate=6e-3)
"""The speech encoder, on `ENCODER_BATCH` cuts of recordings a step: by this short way it learns many times faster than
through attention and LSTM."""

SPEECH = FusionRecipe(steps=300, peak_rate=1e-3, averaging=0.98)
"""All of the network on speech alone, where no faces are to follow."""

BOTH = FusionRecipe(steps=2000)

BATCH: Final = 32
ENCODER_BATCH: Final = 64

Draw = Callable[[np.random.Generator], fusion_data.Sequence]
"""Where the sequences of one place of a batch come from."""

Score = Callable[[FusionNetwork], str]
"""What is told of a network on the way."""


def _unwatched(_: FusionNetwork) -> str:
    return ""


def tensors(batch: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """NumPy arrays to tensors."""
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def loss_of(network: FusionNetwork, batch: dict[str, Tensor], state: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the whole at the end of evidence, and of both answers along the way; and the next state."""
    people = len(state)
    horizon = torch.tensor(HORIZONS)[torch.randint(len(HORIZONS), (people,))]
    inputs = {name: batch[name] for name in INPUTS}
    found = network.measure(**inputs, decay=-1 / (STEP_RATE * horizon), state=state)
    evidence = found.evidence
    met = evidence.cumsum(dim=1)
    weight = evidence * torch.where(met >= _FIRST_JUDGED, 1.0, 0.3)
    weight = weight / weight.sum(dim=1, keepdim=True).clamp(min=1)
    along = (cross_entropy(found.now, batch["target"]) * weight).sum(dim=1)
    steady = batch["whole"].sum(dim=1)  # 0 where the emotion changes on the way
    every = cross_entropy(found.overall, batch["whole"][:, None].expand_as(found.overall))
    met_any = (met[:, -1] > 0).float()
    loss = (0.5 * along + steady * (0.2 * (every * weight).sum(dim=1) + 0.8 * every[:, -1])) * met_any
    return loss.mean(), found.next_state.detach()


def cross_entropy(logits: Tensor, target: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """Of distributions [..., 7], smoothed (Szegedy et al. 2016, arXiv 1512.00567)."""
    soft = (1 - smoothing) * target + smoothing / len(LABELS)
    return -(soft * functional.log_softmax(logits.float(), dim=-1)).sum(dim=-1)


def train_speech_encoder(
    network: FusionNetwork,
    draw: Draw,
    recipe: FusionRecipe,
    seed: int,
) -> FusionNetwork:
    """One cycle for what `FusionNetwork.logits_of_sound` takes of `network`; -> as `train_stage` does."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)

    def loss() -> Tensor:
        batch = tensors(collate([draw(random) for _ in range(ENCODER_BATCH)]))
        heard = batch["heard"][:, WINDOW - 1 :]
        logits = network.logits_of_sound(batch["mel"], batch["sound_present"], heard)
        spoken = heard.amax(dim=1)  # a cut may have fallen into a pause
        return (cross_entropy(logits, batch["whole"]) * spoken).sum() / spoken.sum().clamp(min=1)

    return _cycle(network, recipe, loss)


def train_stage(
    network: FusionNetwork,
    places: Sequence[Draw],
    recipe: FusionRecipe,
    seed: int,
    score: Score = _unwatched,
) -> FusionNetwork:
    """One cycle of AdamW, a sequence from each of `places` a step; -> the moving average of the weights, in evaluation
    mode. The state is carried into sequences that go on (their gradient is not)."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    state = torch.zeros(len(places), network.state_size)
    before = torch.zeros(len(places), WINDOW - 1)

    def loss() -> Tensor:
        nonlocal state, before
        batch = tensors(collate([draw(random) for draw in places]))
        goes_on = batch["goes_on"][:, None]
        batch["heard"][:, : WINDOW - 1] = before * goes_on
        value, state = loss_of(network, batch, state * goes_on)
        state, before = state.float(), batch["heard"][:, 1 - WINDOW :]
        return value

    return _cycle(network, recipe, loss, score)


def _cycle(
    network: FusionNetwork,
    recipe: FusionRecipe,
    loss_of_step: Callable[[], Tensor],
    score: Score = _unwatched,
) -> FusionNetwork:
    average = copy.deepcopy(network)
    weights = list(network.parameters())
    optimiser = torch.optim.AdamW(weights, lr=recipe.peak_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.peak_rate, total_steps=recipe.steps, pct_start=0.15
    )
    began, losses = time.monotonic(), []
    for step in range(1, recipe.steps + 1):
        network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of_step()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 2.0)
        optimiser.step()
        schedule.step()
        update_average(average, network, recipe.averaging)
        losses.append(loss.item())
        if step % 300 == 0 or step == recipe.steps:
            told = (f"loss {np.mean(losses[-300:]):.3f}", score(average.eval()), f"{time.monotonic() - began:.0f} s")
            logger.info("step %d: %s", step, ", ".join(filter(None, told)))
    return average.eval()
