"""The model at work: crops and sound in, probabilities, attention and the next state out, batched across callers."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from service.domain import Provider
from service.engine.batching import Batch, Batcher
from service.engine.buckets import ON_DEVICE, ON_HOST, gathered
from service.engine.device import SlotFusion
from service.engine.host import HostFusion
from service.engine.metadata import ModelMetadata, read_metadata
from service.engine.providers import ProviderChoice, open_session, select_provider
from service.engine.rescue import Fate, Health, Rescue, check_finite
from service.engine.types import Faces, Floats, Fusion, FusionInputs, FusionOutputs, States
from service.errors import ModelMismatch, ProviderUnavailable
from service.representation import CROP_SIZE, LABELS, MEL_BINS, MELS_PER_STEP, WINDOW

WEIGHTS = Path(__file__).parent.parent / "weights"
"""The networks in fp32; other forms of the face encoder are in folders below."""

SHIPPED: Final[dict[Provider, Path]] = {"cpu": WEIGHTS / "int8", "cuda": WEIGHTS}
"""The form that each provider runs by default: the fastest that is as accurate (see `model_export.precision`)."""

BASELINE_FLOOR: Final = -8.0
"""Natural logarithm below which a probability is clipped before it enters the mean of a baseline."""

BASELINE_HALF: Final = 2.0
"""Seconds with a face on show after which a baseline weighs half: seconds / (seconds + BASELINE_HALF)."""

_LOG = logging.getLogger(__name__)

Model = Literal["face_encoder", "fusion"]
"""One of the two networks."""


class Engine:
    """Both networks on one provider. Safe to call from many threads; calls that meet are run as one batch."""

    def __init__(self, weights: Path, provider: Provider, *, threads: int, slots: bool) -> None:
        self._encoder = open_session(weights / "face_encoder.onnx", provider, threads=threads)
        network = open_session(weights / "fusion.onnx", provider, threads=threads)
        encoder = self._encoder.get_modelmeta().custom_metadata_map
        fusion = network.get_modelmeta().custom_metadata_map
        self.face_encoder: ModelMetadata = read_metadata(encoder, role="face_encoder", file="face_encoder.onnx")
        self.fusion: ModelMetadata = read_metadata(fusion, role="fusion", file="fusion.onnx")
        if self.face_encoder.embedding_size != self.fusion.embedding_size:
            raise ModelMismatch("face_encoder.onnx and fusion.onnx disagree on the size of a face embedding")
        self.provider: Provider = provider
        runs = ON_DEVICE if slots else ON_HOST
        self._bucket = runs.bucket
        self._fusion: Fusion = (
            SlotFusion(network, self.fusion, provider, runs.bucket) if slots else HostFusion(network, self.fusion)
        )
        self._health = Health()
        self._encode = Batcher(
            self._run_encoder,
            limit=runs.encoder,
            rescue=Rescue(
                self._run_encoder,
                probe=self._probe_encoder,
                health=self._health,
                on_failure=lambda fate: self.on_failure("face_encoder", fate),
            ),
            on_batch=lambda batch: self.on_batch("face_encoder", batch),
        )
        self._advance = Batcher(
            self._fusion.run,
            limit=runs.fusion,
            rescue=Rescue(
                self._fusion.run,
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
    def load(
        cls,
        weights: Path | None = None,
        provider: ProviderChoice = "auto",
        *,
        threads: int = 1,
        slots: bool | None = None,
    ) -> "Engine":
        """Load the networks from the folder `weights`, by default one of `SHIPPED`, and run them once, so that the
        first caller does not wait.

        `threads` is the number of cores one network call may use. `slots`: whether states are kept in the memory of
        the provider's device, and runs have the sizes that suit one; by default on `cuda` alone. Raises
        `ModelMismatch` for files that do not fit this service and `ProviderUnavailable` when `cuda` was asked for and
        does not work, or the networks do not run.
        """
        active = select_provider(provider)
        in_slots = active == "cuda" if slots is None else slots
        engine = cls(weights or SHIPPED[active], active, threads=threads, slots=in_slots)
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

    def initial_state(self, people: int) -> States:
        """Those of people of whom nothing is known."""
        return self._fusion.initial(people)

    def load_state(self, rows: Floats) -> States:
        """Those that were read as `rows` [B, state_size]."""
        return self._fusion.load(rows)

    def join_states(self, parts: Sequence[States]) -> States:
        """All of them behind each other. Raises ValueError for those of another engine."""
        return self._fusion.join(parts)

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
            state=self.initial_state(people),
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
        self._fusion.run([self.silence(people=1, steps=1)])

    def _run_encoder(self, requests: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        rows = sum(map(len, requests))
        answers = self._encoder.run(["embedding", "probabilities"], {"crops": gathered(requests, self._bucket)})
        embedding, probabilities = (answer[:rows] for answer in answers)
        check_finite((embedding, probabilities))
        ends = np.cumsum([len(request) for request in requests])[:-1]
        return [
            Faces(rows, head)
            for rows, head in zip(np.split(embedding, ends), np.split(probabilities, ends), strict=True)
        ]
