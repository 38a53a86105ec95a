"""Streams of a hundred sentences of one actor, the emotion changing between them: is the last read as the first is?"""

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from model_export.fusion_data import INPUTS, Sequence, SequenceMaker, collate
from model_export.fusion_network import FusionNetwork
from model_export.metrics import Predictions, score, wilson_interval
from service.representation import DEFAULT_HORIZON, STEP_RATE, WINDOW

SENTENCES: Final = 100
_TOLD: Final = (1, 10, 100)

_REPEATS: Final = 5
"""Streams in which each clip is scored, with other faces and other sentences before it."""


@torch.no_grad()
def score_streams(maker: SequenceMaker, count: int, network: FusionNetwork, uncertain_below: float) -> dict[str, Any]:
    """Scores of the 1st, 10th and 100th sentence by the answer that forgets, at the sentence's end, with sound and
    picture; every one of the `count` clips is each of them in `_REPEATS` streams, and looks and sounds the same in all
    three places of one. Number and interval are of clips. And the median time after which the answer is right to
    stay, of the sentences that end right, by place (`seconds_to_follow`)."""
    repeats = [repeat for repeat in range(_REPEATS) for _ in range(count)]
    orders = np.stack([_order(maker, row % count, repeat) for row, repeat in enumerate(repeats)])
    state = torch.zeros(len(orders), network.state_size)
    before = torch.zeros(len(orders), WINDOW - 1)
    decay = torch.full((len(orders),), -1 / (STEP_RATE * DEFAULT_HORIZON))
    found: dict[str, Any] = {"seconds_to_follow": {}}
    for place in range(1, SENTENCES + 1):
        sequences = [
            maker.from_clip(int(clip), np.random.default_rng([repeat, clip]), modality="both")
            for clip, repeat in zip(orders[:, place - 1], repeats, strict=True)
        ]
        batch = {name: torch.from_numpy(array) for name, array in collate(sequences).items()}
        batch["heard"][:, : WINDOW - 1] = before
        inputs = {name: batch[name] for name in INPUTS}
        measured = network.measure(**inputs, decay=decay, state=state)
        state = measured.next_state
        before = batch["heard"][:, 1 - WINDOW :]
        if place in _TOLD:
            probabilities = torch.softmax(measured.now, dim=2).double().numpy()
            labels = batch["whole"].argmax(dim=1).numpy()
            scores = score(Predictions(probabilities[:, -1], labels), uncertain_below)
            interval = wilson_interval(round(scores["accuracy"] * count), count)
            found[f"sentence {place}"] = scores | {"interval": list(interval), "n": count}
            found["seconds_to_follow"][str(place)] = _seconds_to_follow(probabilities, labels, sequences)
    return found


def _order(maker: SequenceMaker, clip: int, repeat: int) -> NDArray[np.intp]:
    """Clips of one speaker in random order, `clip` in each of the places that are told."""
    random = np.random.default_rng([repeat, clip])
    order = np.array([maker.draw_clip(random, maker.speaker(clip)) for _ in range(SENTENCES)])
    order[[place - 1 for place in _TOLD]] = clip
    return order


def _seconds_to_follow(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], sequences: list[Sequence]
) -> float | None:
    """Median over [N, T, 7] of the time of the step since which the answer was right up to the sentence's end."""
    times = []
    for rows, label, sequence in zip(probabilities, labels, sequences, strict=True):
        wrong = np.flatnonzero(rows[: len(sequence.heard)].argmax(axis=1) != label)
        since = int(wrong[-1]) + 1 if len(wrong) else 0
        if since < len(sequence.heard):
            times.append(since / STEP_RATE)
    return float(np.median(times)) if times else None
