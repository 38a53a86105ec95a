"""Facial action units of the RAVDESS videos to expression posteriors over time.

The action units are real faces in step with real speech: per frame for actors 02 to 05, as clip means for 02 to 20.
A linear model on clip means, each actor's mean taken out, gives a clip's posterior; it is always fitted on the other
actors. For actors 02 to 05 the track moves it frame by frame. For the others the course over time is *constructed*: the
face sets out neutral and follows the speech.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from model_export.speech_names import RAVDESS_LABELS
from service.representation import LABELS, STEP_RATE

Floats = NDArray[np.float32]

_FRAME_RATE: Final = 29.97
_NEUTRAL: Final = LABELS.index("neutral")


@dataclass(frozen=True, slots=True)
class ExpressionTrack:
    """The expression of one clip's face."""

    logits: Floats
    """[7], of the clip."""
    course: Floats | None
    """[T, 7] on the 25 Hz grid where the frames are known."""

    def over(self, steps: int, speech: NDArray[np.bool_], random: np.random.Generator) -> Floats:
        """Posteriors [steps, 7]; without a known course, from neutral to the clip's expression with the speech."""
        if self.course is not None:
            rows = np.clip(np.linspace(0, len(self.course) - 1, steps).round().astype(int), 0, len(self.course) - 1)
            return _softmax(self.course[rows])
        onset = int(speech.argmax()) if speech.any() else 0
        ramp = np.clip((np.arange(steps) - onset + random.integers(0, 15)) / random.integers(8, 30), 0, 1)
        share = (ramp * random.uniform(0.7, 1.0))[:, None]
        neutral = np.eye(len(LABELS))[_NEUTRAL]
        return np.asarray(share * _softmax(self.logits[None]) + (1 - share) * neutral, np.float32)


def load_tracks(folder: Path, *, seed: int) -> dict[str, ExpressionTrack]:
    """Tracks by speech clip name (03-…), each from a linear model that never saw the clip's actor."""
    with np.load(folder / "ravdess_clip_means_actors02-20.npz") as archive:
        names, means = [str(name) for name in archive["clip"]], archive["mean"].astype(np.float32)
    actors = np.array([name[-2:] for name in names])
    labels = np.array([LABELS.index(RAVDESS_LABELS[name[6:8]] or "neutral") for name in names])
    scale = means.std(axis=0) + 1e-3
    centres = {actor: means[actors == actor].mean(axis=0) for actor in np.unique(actors)}
    inputs = np.stack([(mean - centres[actor]) / scale for mean, actor in zip(means, actors, strict=True)])
    tracks = {}
    with np.load(folder / "ravdess_frames_actors02-05.npz") as frames:
        for actor in np.unique(actors):
            linear = _fit(inputs[actors != actor], labels[actors != actor], seed)
            for row in np.flatnonzero(actors == actor):
                logits = linear(inputs[row : row + 1])[0]
                course = None
                if names[row] in frames.files:
                    moving = frames[names[row]]
                    # Absolute levels per frame do not agree with the clip means; changes within a clip do.
                    course = linear(inputs[row] + 0.7 * (moving - moving.mean(axis=0)) / scale)
                    course = _to_grid(course)
                tracks["03" + names[row][2:]] = ExpressionTrack(logits, course)
    return tracks


class _Linear:
    def __init__(self, layer: nn.Linear) -> None:
        self._layer = layer

    def __call__(self, inputs: NDArray[np.float32]) -> Floats:
        with torch.no_grad():
            return np.asarray(self._layer(torch.from_numpy(inputs.astype(np.float32))).numpy())


def _fit(inputs: NDArray[np.float32], labels: NDArray[np.intp], seed: int) -> _Linear:
    torch.manual_seed(seed)
    layer = nn.Linear(inputs.shape[1], len(LABELS))
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=100)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = nn.functional.cross_entropy(layer(x), y) + 3e-3 * layer.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return _Linear(layer)


def _to_grid(course: Floats) -> Floats:
    steps = max(1, int(len(course) / _FRAME_RATE * STEP_RATE))
    rows = np.minimum((np.arange(steps) / STEP_RATE * _FRAME_RATE).astype(int), len(course) - 1)
    return np.asarray(course[rows])


def _softmax(logits: NDArray[np.float32]) -> Floats:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True), np.float32)
