"""What goes into the two networks, and what comes out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class States(ABC):
    """What the network keeps of B people between two runs. It never changes: a run answers with new ones.

    Where it is kept, in arrays or on the device, is the engine's business. It is given back when nobody holds it.
    """

    @abstractmethod
    def __len__(self) -> int:
        """B."""

    @abstractmethod
    def select(self, rows: Sequence[int], known: Sequence[bool]) -> "States":
        """The states of people who stand in `rows` of these. Of whoever is not `known` it is that of a newcomer, who
        has heard the sound that this one has heard, and of whom there is nothing else."""

    @abstractmethod
    def read(self) -> Floats:
        """[B, state_size], not to be written to."""


@dataclass(frozen=True, slots=True)
class Faces:
    """What the face encoder says of N crops."""

    embedding: Floats
    """[N, embedding_size]"""
    probabilities: Floats
    """[N, 7], of the encoder's own head, for one still picture."""


@dataclass(frozen=True, slots=True)
class FusionInputs:
    """T steps of B people. All float32; flags are 0 or 1."""

    face: Floats
    """[B, T, embedding_size]"""
    face_present: Floats
    """[B, T]"""
    mel: Floats
    """[B, T, 4, 64]"""
    sound_present: Floats
    """[B, T]"""
    heard: Floats
    """[B, 24 + T]: for the 24 steps before the first and for the T steps, whether the step's sound is speech that
    belongs to this person. The alignment reads no other sound."""
    baseline: Floats
    """[B, 8], how this person's face is on average: the mean over time of the encoder's log probabilities, each at
    least `BASELINE_FLOOR`, while the face was on show, then the weight of that mean (`BASELINE_HALF`). Zeros: none."""
    decay: Floats
    """[B], added to the log weight of every past step at each new one: -1 / (25 * horizon), 0 to forget nothing."""
    state: States
    """Of B people."""


@dataclass(frozen=True, slots=True)
class FusionOutputs:
    """What the network says of T steps of B people."""

    probabilities: Floats
    """[B, T, 7], forgetting with `decay`."""
    overall: Floats
    """[B, T, 7], the whole recording so far."""
    scores: Floats
    """[B, T, 7], raw perception-attention scores."""
    alignment: Floats
    """[B, T, 25], soft attention over the last second of sound, oldest first."""
    next_state: States
    """Of B people."""


EVIDENCE = ("face", "face_present", "mel", "sound_present", "heard", "baseline", "decay")
"""Inputs of the network but the state."""

ANSWERS = ("probabilities", "overall", "scores", "alignment")
"""Outputs of the network but the state."""


class Fusion(Protocol):
    """The attention-LSTM, and where it keeps states."""

    session: ort.InferenceSession

    def initial(self, people: int) -> States:
        """Those of people of whom nothing is known."""

    def load(self, rows: Floats) -> States:
        """Those that `rows` [B, state_size] describes."""

    def join(self, parts: Sequence[States]) -> States:
        """All of them behind each other. Raises ValueError for those of another engine."""

    def run(self, requests: Sequence[FusionInputs]) -> list[FusionOutputs]:
        """Answer requests of equal T in one run. Raises `NotFinite` for answers that are no numbers, and what
        onnxruntime raises; no state has changed then."""


def rows_of(requests: Sequence[FusionInputs]) -> list[slice]:
    """Where each request stands among the rows of a run."""
    ends = list(accumulate(len(request.state) for request in requests))
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def divided(answers: Sequence[Floats], rows: Sequence[slice], after: Sequence[States]) -> list[FusionOutputs]:
    """To each request its `rows` of the `ANSWERS` of a run, and its state `after` it."""
    probabilities, overall, scores, alignment = answers
    return [
        FusionOutputs(probabilities[own], overall[own], scores[own], alignment[own], state)
        for own, state in zip(rows, after, strict=True)
    ]
