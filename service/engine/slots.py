"""A table of states in the memory of a device, and the two small graphs that read and write it there.

The table is [capacity, state_size]. `graphs/gather.onnx` takes rows out of it, `graphs/scatter.onnx` puts rows in, and
the attention-LSTM runs in between. They hold no weights, so they fit every file of it. A step of one person moves its
row (18.8 kB) a dozen times within the device, 0.2 MB, and nothing of it over the bus. With the same operators inside
fusion.onnx as many bytes would move, since onnxruntime writes to memory what passes between two operators, and every
folder of weights would need a second file.

What a slot holds never changes while somebody holds its lease: a step writes into slots that were free before it. So a
run that fails, or answers with what is no number, has changed nobody's state.
"""

from collections import deque
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.domain import Provider
from service.engine.binding import run_bound
from service.engine.providers import open_session
from service.engine.types import Floats

Slots = NDArray[np.int64]

NOBODY: Final = 0
"""The slot of a person of whom nothing is known: zeros. Padding reads it."""

SCRATCH: Final = 1
"""The slot that padding writes. Nobody reads it."""

_RESERVED: Final = 2
GRAPHS: Final = Path(__file__).parent / "graphs"
"""Folder of both graphs."""


class Lease:
    """Slots that are somebody's until this object is gone."""

    def __init__(self, slots: Slots, returned: deque[Slots]) -> None:
        self.slots = slots
        self._returned = returned

    def __del__(self) -> None:
        # In any thread, and in the middle of anything: hence no lock, and appending to a deque needs none.
        self._returned.append(self.slots)


class SlotTable:
    """Safe to use from many threads."""

    def __init__(self, provider: Provider, *, width: int, sound: int, capacity: int = 64) -> None:
        """A table on the device of `provider` for states of `width` floats, of which the first `sound` depend on sound
        alone. `capacity`: slots to begin with, at least 2, two of which are kept back."""
        self._device = provider
        self._width = width
        self._gather = open_session(GRAPHS / "gather.onnx", provider, threads=1)
        self._scatter = open_session(GRAPHS / "scatter.onnx", provider, threads=1)
        self._sound = self._placed((np.arange(width) < sound).astype(np.float32)[np.newaxis])
        self._table = self._placed(np.zeros((capacity, width), np.float32))
        self._capacity = capacity
        self._free: Slots = np.arange(_RESERVED, capacity)
        self._returned: deque[Slots] = deque()
        self._lock = Lock()

    @property
    def capacity(self) -> int:
        """Slots in the table now. It doubles where they do not suffice, and never shrinks."""
        return self._capacity

    @property
    def leased(self) -> int:
        """Slots that are somebody's."""
        with self._lock:
            self._take_back()
            return self._capacity - _RESERVED - len(self._free)

    def lease(self, count: int) -> Lease:
        """`count` slots that nobody had; what is in them is undefined."""
        with self._lock:
            if count > len(self._free):
                self._take_back()
            if count > len(self._free):
                self._grow(count - len(self._free))
            slots, self._free = self._free[:count], self._free[count:]
            return Lease(slots, self._returned)

    def gather(self, slots: Slots, known: NDArray[np.bool_]) -> ort.OrtValue:
        """The rows [B, width] of `slots` [B], on the device; of whom is not `known` [B], with nothing but the sound."""
        return self._gathered(slots, known, self._device)

    def read(self, slots: Slots, known: NDArray[np.bool_]) -> Floats:
        """The same as an array."""
        rows: Floats = self._gathered(slots, known, "cpu").numpy()
        return rows

    def scatter(self, slots: Slots, rows: ort.OrtValue) -> Floats:
        """Write `rows` [B, width], which are on the device, into `slots` [B], which are leased or `SCRATCH`.

        Returns [B], a finite number where the row is made of such.
        """
        with self._lock:
            return self._scattered(self._table, slots, rows)

    def load(self, rows: Floats) -> Lease:
        """Slots with what is in `rows` [B, width]."""
        lease = self.lease(len(rows))
        self.scatter(lease.slots, self._placed(np.ascontiguousarray(rows)))
        return lease

    def _gathered(self, slots: Slots, known: NDArray[np.bool_], to: Provider) -> ort.OrtValue:
        # Without the lock: what these slots hold stays, in this table as in the larger one that may replace it.
        feeds: dict[str, NDArray[Any]] = {"slots": slots, "known": known.astype(np.float32)[:, np.newaxis]}
        placed = {"table": self._table, "sound": self._sound}
        [rows] = run_bound(self._gather, feeds, placed, outputs={"rows": to})
        return rows

    def _scattered(self, table: ort.OrtValue, slots: Slots, rows: ort.OrtValue) -> Floats:
        # The table is both input and output, so the operator writes into it and copies nothing else.
        _, sane = run_bound(
            self._scatter,
            {"slots": slots[:, np.newaxis]},
            {"table": table, "rows": rows},
            outputs={"written": table, "sane": "cpu"},
        )
        found: Floats = sane.numpy()
        return found

    def _grow(self, missing: int) -> None:
        old = self._capacity
        capacity = old
        while capacity < old + missing:
            capacity *= 2
        table = self._placed(np.zeros((capacity, self._width), np.float32))
        self._scattered(table, np.arange(old), self._table)
        self._table, self._capacity = table, capacity
        self._free = np.concatenate([self._free, np.arange(old, capacity)])

    def _take_back(self) -> None:
        while self._returned:
            self._free = np.concatenate([self._free, self._returned.popleft()])

    def _placed(self, array: Floats) -> ort.OrtValue:
        return ort.OrtValue.ortvalue_from_numpy(array, self._device, 0)
