"""The model at work: crops and sound in, probabilities, attention and the next state out, batched across callers."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from service.domain import Provider
from service.engine.batching import Batch, Batcher
from service.engine.metadata import ModelMetadata, read_metadata
from service.engine.providers import ProviderChoice, open_session, select_provider
from service.engine.rescue import Fate, Health, Rescue, check_finite
from service.errors import ModelMismatch, ProviderUnavailable
from service.representation import CROP_SIZE, LABELS, MEL_BINS, MELS_PER_STEP, WINDOW

WEIGHTS = Path(__file__).parent.parent / "weights"
_ENCODER_ROWS = 64
_FUSION_ROWS = 256

BASELINE_FLOOR: Final = -8.0
"""Natural logarithm below which a probability is clipped before it enters the mean of a baseline."""

BASELINE_HALF: Final = 2.0
"""Seconds with a face on show after which a baseline weighs half: seconds / (seconds + BASELINE_HALF)."""

_LOG = logging.getLogger(__name__)

Floats = NDArray[np.float32]

Model = Literal["face_encoder", "fusion"]
"""One of the two networks."""


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
    state: Floats
    """[B, state_size]"""


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
    next_state: Floats
    """[B, state_size]"""


_OUTPUTS = tuple(field.name for field in fields(FusionOutputs))


class Engine:
    """Both networks on one provider. Safe to call from many threads; calls that meet are run as one batch."""

    def __init__(self, weights: Path, provider: Provider, *, threads: int) -> None:
        self._encoder = open_session(weights / "face_encoder.onnx", provider, threads=threads)
        self._fusion = open_session(weights / "fusion.onnx", provider, threads=threads)
        encoder = self._encoder.get_modelmeta().custom_metadata_map
        fusion = self._fusion.get_modelmeta().custom_metadata_map
        self.face_encoder: ModelMetadata = read_metadata(encoder, role="face_encoder", file="face_encoder.onnx")
        self.fusion: ModelMetadata = read_metadata(fusion, role="fusion", file="fusion.onnx")
        if self.face_encoder.embedding_size != self.fusion.embedding_size:
            raise ModelMismatch("face_encoder.onnx and fusion.onnx disagree on the size of a face embedding")
        self.provider: Provider = provider
        self._health = Health()
        self._encode = Batcher(
            self._run_encoder,
            limit=_ENCODER_ROWS,
            rescue=Rescue(
                self._run_encoder,
                probe=self._probe_encoder,
                health=self._health,
                on_failure=lambda fate: self.on_failure("face_encoder", fate),
            ),
            on_batch=lambda batch: self.on_batch("face_encoder", batch),
        )
        self._advance = Batcher(
            self._run_fusion,
            limit=_FUSION_ROWS,
            rescue=Rescue(
                self._run_fusion,
                probe=self._probe_fusion,
                health=self._health,
                on_failure=lambda fate: self.on_failure("fusion", fate),
            ),
            on_batch=lambda batch: self.on_batch("fusion", batch),
        )
        self.on_batch: Callable[[Model, Batch], None] = lambda _model, _batch: None
        """Told of each run of a network, in the thread of one of its callers; to be set before there are any."""
        self.on_failure: Callable[[Model, Fate], None] = lambda _model, _fate: None
        """Told what became of each call whose run failed, in the same way."""

    @classmethod
    def load(cls, weights: Path | None = None, provider: ProviderChoice = "auto", *, threads: int = 1) -> "Engine":
        """Load the networks from the folder `weights`, by default the package's own, and run them once, so that the
        first caller does not wait.

        `threads` is the number of cores one network call may use. Raises `ModelMismatch` for files that do not fit
        this service and `ProviderUnavailable` when `cuda` was asked for and does not work, or the networks do not run.
        """
        engine = cls(weights or WEIGHTS, select_provider(provider), threads=threads)
        try:
            engine._probe_encoder()
            engine._probe_fusion()
        except Exception as error:  # onnxruntime's exceptions share no base class but Exception
            reason = f"the model is loaded, but does not run on {engine.provider} ({type(error).__name__}: {error})"
            raise ProviderUnavailable(reason) from error
        return engine

    @property
    def works(self) -> bool:
        """Whether the networks work, as far as is known. Once they do not, only `probe` finds out that they do."""
        return self._health.works

    def check(self) -> None:
        """Raise `Unavailable` while the networks do not work."""
        self._health.check()

    def probe(self) -> bool:
        """Run both networks once; whether they work, which `works` says from then on."""
        try:
            self._probe_encoder()
            self._probe_fusion()
        except Exception as error:
            _LOG.warning("the model still fails (%s: %s)", type(error).__name__, error)
            return False
        if not self._health.works:
            _LOG.info("the model works again")
        self._health.works = True
        return True

    def waiting(self) -> dict[Model, int]:
        """Calls that wait for each network now."""
        return {"face_encoder": self._encode.waiting, "fusion": self._advance.waiting}

    def initial_state(self) -> Floats:
        """State of a person of whom nothing is known: [state_size] zeros."""
        return np.zeros(self.fusion.state_size, np.float32)

    def silence(self, *, people: int, steps: int) -> FusionInputs:
        """Inputs without any evidence, for `people` people who are unknown so far."""
        shape = (people, steps)
        return FusionInputs(
            face=np.zeros((*shape, self.fusion.embedding_size), np.float32),
            face_present=np.zeros(shape, np.float32),
            mel=np.zeros((*shape, MELS_PER_STEP, MEL_BINS), np.float32),
            sound_present=np.zeros(shape, np.float32),
            heard=np.zeros((people, WINDOW - 1 + steps), np.float32),
            baseline=np.zeros((people, len(LABELS) + 1), np.float32),
            decay=np.zeros(people, np.float32),
            state=np.zeros((people, self.fusion.state_size), np.float32),
        )

    def encode(self, crops: NDArray[np.uint8]) -> Faces:
        """Encode aligned grey crops [N, 48, 48], N at least 1. Raises `Unavailable` while the networks do not work."""
        self.check()
        return self._encode(crops, kind=None, size=len(crops))

    def advance(self, inputs: FusionInputs) -> FusionOutputs:
        """Run T steps of B people forward. T steps at once equal T calls of one step, whoever shares the batch.

        Raises `Unavailable` while the networks do not work.
        """
        self.check()
        people, steps = inputs.face_present.shape
        return self._advance(inputs, kind=steps, size=people)

    def _probe_encoder(self) -> None:
        self._run_encoder([np.zeros((1, CROP_SIZE, CROP_SIZE), np.uint8)])

    def _probe_fusion(self) -> None:
        self._run_fusion([self.silence(people=1, steps=1)])

    def _run_encoder(self, requests: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        embedding, probabilities = self._encoder.run(
            ["embedding", "probabilities"], {"crops": np.concatenate(requests)}
        )
        check_finite((embedding, probabilities))
        ends = np.cumsum([len(request) for request in requests])[:-1]
        return [
            Faces(rows, head)
            for rows, head in zip(np.split(embedding, ends), np.split(probabilities, ends), strict=True)
        ]

    def _run_fusion(self, requests: Sequence[FusionInputs]) -> list[FusionOutputs]:
        feeds = {
            field.name: np.concatenate([getattr(request, field.name) for request in requests])
            for field in fields(FusionInputs)
        }
        outputs = self._fusion.run(list(_OUTPUTS), feeds)
        check_finite(outputs)
        ends = np.cumsum([len(request.state) for request in requests])[:-1]
        parts = [np.split(output, ends) for output in outputs]
        return [FusionOutputs(*rows) for rows in zip(*parts, strict=True)]
