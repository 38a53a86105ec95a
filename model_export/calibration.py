"""Temperatures of the attention-LSTM: for pictures, sound, both and all between them, and for single moments."""

from collections.abc import Sequence as Rows
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model_export.fusion_data import Sequence
from model_export.fusion_network import FusionNetwork, temperature
from model_export.fusion_scores import predict

UNCERTAIN_BELOW: Final = 0.4
"""Calibrated confidence below which no label is given: it would be wrong three times in five or more."""

PLACES: Final = ((0.0, 200.0), (100.0, 100.0), (200.0, 0.0), (0.0, 1.0))
"""Steps of sound and of pictures at which temperatures are told: pictures, both, sound, a still picture."""

_TO_COOLING: Final = ((1.0, 0.0, 0.0, 0.0), (-3.0, 4.0, -1.0, 0.0), (2.0, -4.0, 2.0, 0.0), (0.0, 0.0, 0.0, 1.0))
"""Logarithms of temperatures for pictures, both and sound, and what is added to them for a moment, to the coefficients
of `temperature`."""

_ROUNDS: Final = 100

_BOUND: Final = 1.5
"""Largest size of each of these logarithms."""


class Answers(NamedTuple):
    """What a network says of N sequences, before any temperature."""

    logits: Tensor
    met: Tensor
    labels: Tensor


def calibrate(network: FusionNetwork, kinds: Rows[Rows[Sequence]]) -> list[float]:
    """Fit the temperatures of `network` in place on sequences by sound, by picture, by both, and of stills.
    Each kind counts alike.

    -> the temperatures at `PLACES`. Sequences without any evidence are passed over, for which there is no answer.
    Raises ValueError where no others are left.
    """
    seen = [[sequence for sequence in kind if _has_evidence(sequence)] for kind in kinds]
    if not any(seen):
        raise ValueError("there is nothing to fit temperatures on")
    network.cooling.zero_()
    answers = [_answers(network, kind) for kind in seen if kind]
    free = torch.zeros(len(PLACES), requires_grad=True)
    optimiser = torch.optim.LBFGS([free], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        cooling = _cooling(free)
        terms = [
            functional.cross_entropy(one.logits / temperature(cooling, one.met)[:, None], one.labels) for one in answers
        ]
        value = torch.stack(terms).sum() + 1e-3 * free.square().sum()  # a kind that is not there stays near 1
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    network.cooling.copy_(_cooling(free.detach()))
    return [float(value) for value in temperature(network.cooling, torch.tensor(PLACES))]


def best_temperature(logits: Tensor, labels: Tensor) -> float:
    """The one temperature (Guo et al. 2017, arXiv 1706.04599) under which `labels` [N] are the likeliest, for logits
    [N, 7]."""
    candidates = np.geomspace(0.3, 3, 100)
    return float(min(candidates, key=lambda value: float(functional.cross_entropy(logits / float(value), labels))))


def _cooling(free: Tensor) -> Tensor:
    return torch.tensor(_TO_COOLING) @ (_BOUND * torch.tanh(free))


def _has_evidence(sequence: Sequence) -> bool:
    return bool(sequence.face_present.any() or sequence.heard.any())


def _answers(network: FusionNetwork, sequences: Rows[Sequence]) -> Answers:
    logits, met = predict(network, sequences)
    labels = torch.tensor([int(sequence.whole.argmax()) for sequence in sequences])
    return Answers(torch.from_numpy(logits), torch.from_numpy(met), labels)
