"""The attention-LSTM with its states in arrays of this process: for the CPU."""

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from service.engine.metadata import ModelMetadata
from service.engine.rescue import check_finite
from service.engine.types import (
    ANSWERS,
    EVIDENCE,
    Floats,
    FusionInputs,
    FusionOutputs,
    States,
    divided,
    rows_of,
)


class HostStates(States):
    """States as an array."""

    def __init__(self, rows: Floats, sound: int) -> None:
        """`rows` [B, state_size], of which the first `sound` columns depend on sound alone."""
        self.rows = rows
        self._sound = sound

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, rows: Sequence[int], known: Sequence[bool]) -> "HostStates":
        taken = self.rows[list(rows)]
        if not all(known):
            taken[np.logical_not(known), self._sound :] = 0
        return HostStates(taken, self._sound)

    def read(self) -> Floats:
        return self.rows


class HostFusion:
    """See `Fusion`."""

    def __init__(self, session: ort.InferenceSession, metadata: ModelMetadata) -> None:
        self.session = session
        self._sound = metadata.sound_state_size
        self._nobody = np.zeros(metadata.state_size, np.float32)

    def initial(self, people: int) -> HostStates:
        return self._states(np.broadcast_to(self._nobody, (people, len(self._nobody))))

    def load(self, rows: Floats) -> HostStates:
        return self._states(rows)

    def join(self, parts: Sequence[States]) -> HostStates:
        own = [part.rows for part in parts if isinstance(part, HostStates)]
        if len(own) != len(parts):
            raise ValueError("states of another engine")
        return self._states(np.concatenate(own))

    def run(self, requests: Sequence[FusionInputs]) -> list[FusionOutputs]:
        feeds = {name: np.concatenate([getattr(request, name) for request in requests]) for name in EVIDENCE}
        feeds["state"] = self.join([request.state for request in requests]).rows
        *answers, rows = self.session.run([*ANSWERS, "next_state"], feeds)
        check_finite((*answers, rows))
        places = rows_of(requests)
        # Copies, since a view would keep the states of everyone in the batch.
        return divided(answers, places, [self._states(rows[own].copy()) for own in places])

    def _states(self, rows: Floats) -> HostStates:
        return HostStates(rows, self._sound)
