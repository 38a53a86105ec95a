"""The attention-LSTM with its states in slots on the device: for CUDA.

What a step needs comes over the bus (1.7 kB for each person: sound, embedding, flags), and so does what it answers
(0.2 kB); the state (18.8 kB, read and written) does not. CUDA graphs are not used: they want one address for each
input, and could not be tried.
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.domain import Provider
from service.engine.binding import run_bound
from service.engine.buckets import Bucket, gathered
from service.engine.metadata import ModelMetadata
from service.engine.rescue import check_finite
from service.engine.slots import NOBODY, SCRATCH, Lease, Slots, SlotTable
from service.engine.types import ANSWERS, EVIDENCE, Floats, FusionInputs, FusionOutputs, States, divided, rows_of


class SlotStates(States):
    """States in slots of a table."""

    def __init__(self, table: SlotTable, slots: Slots, known: NDArray[np.bool_], leases: tuple[Lease, ...]) -> None:
        """`slots` [B], of `leases` or `NOBODY`; `known` [B], False for newcomers."""
        self.table, self.slots, self.known, self.leases = table, slots, known, leases

    def __len__(self) -> int:
        return len(self.slots)

    def select(self, rows: Sequence[int], known: Sequence[bool]) -> "SlotStates":
        taken = np.asarray(rows, np.int64)
        return SlotStates(self.table, self.slots[taken], self.known[taken] & np.asarray(known, np.bool_), self.leases)

    def read(self) -> Floats:
        return self.table.read(self.slots, self.known)


class SlotFusion:
    """See `Fusion`."""

    def __init__(
        self, session: ort.InferenceSession, metadata: ModelMetadata, provider: Provider, bucket: Bucket
    ) -> None:
        """`provider` is that of `session`."""
        self.session = session
        self.table = SlotTable(provider, width=metadata.state_size, sound=metadata.sound_state_size)
        self._provider = provider
        self._bucket = bucket

    def initial(self, people: int) -> SlotStates:
        return SlotStates(self.table, np.full(people, NOBODY), np.ones(people, np.bool_), ())

    def load(self, rows: Floats) -> SlotStates:
        return self._leased(self.table.load(rows))

    def join(self, parts: Sequence[States]) -> SlotStates:
        own = [part for part in parts if isinstance(part, SlotStates) and part.table is self.table]
        if len(own) != len(parts):
            raise ValueError("states of another engine")
        return SlotStates(
            self.table,
            np.concatenate([part.slots for part in own]),
            np.concatenate([part.known for part in own]),
            tuple(lease for part in own for lease in part.leases),
        )

    def run(self, requests: Sequence[FusionInputs]) -> list[FusionOutputs]:
        before = self.join([request.state for request in requests])
        people = len(before)
        empty = self._bucket(people) - people
        feeds = {name: gathered([getattr(one, name) for one in requests], self._bucket) for name in EVIDENCE}
        state = self.table.gather(
            np.append(before.slots, np.full(empty, NOBODY)), np.append(before.known, np.ones(empty, np.bool_))
        )
        targets = dict.fromkeys(ANSWERS, "cpu") | {"next_state": self._provider}
        *values, after = run_bound(self.session, feeds, {"state": state}, outputs=targets)
        leases = [self.table.lease(len(request.state)) for request in requests]
        slots = np.concatenate([*(lease.slots for lease in leases), np.full(empty, SCRATCH)])
        sane = self.table.scatter(slots, after)[:people]
        answers = [value.numpy()[:people] for value in values]
        check_finite([*answers, sane])
        return divided(answers, rows_of(requests), [self._leased(lease) for lease in leases])

    def _leased(self, lease: Lease) -> SlotStates:
        return SlotStates(self.table, lease.slots, np.ones(len(lease.slots), np.bool_), (lease,))
