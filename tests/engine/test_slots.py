"""States in a table on the device, here the CPU's memory."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule
from numpy.typing import NDArray

from service.engine.slots import NOBODY, SCRATCH, Lease, SlotTable

_WIDTH, _SOUND = 6, 4


def _table() -> SlotTable:
    return SlotTable("cpu", width=_WIDTH, sound=_SOUND, capacity=4)


def _rows(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, _WIDTH)).astype(np.float32)


def _read(table: SlotTable, slots: NDArray[np.int64]) -> NDArray[np.float32]:
    return table.read(slots, np.ones(len(slots), np.bool_))


class _Model(RuleBasedStateMachine):
    """A table beside a dictionary of arrays."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.table = _table()
        self.wanted: dict[int, NDArray[np.float32]] = {}

    def _note(self, lease: Lease, rows: NDArray[np.float32]) -> Lease:
        assert not set(lease.slots.tolist()) & ({NOBODY, SCRATCH} | set(self.wanted)), "a slot is nobody else's"
        self.wanted |= dict(zip(lease.slots.tolist(), rows, strict=True))
        return lease

    @rule(target=leases, count=st.integers(1, 9), seed=st.integers(0, 99))
    def load(self, count: int, seed: int) -> Lease:
        rows = _rows(count, seed)
        return self._note(self.table.load(rows), rows)

    @rule(target=leases, lease=leases, empty=st.integers(0, 3))
    def advance(self, lease: Lease, empty: int) -> Lease:
        """What a run does: gather, compute, scatter into new slots, with rows that are nobody's."""
        padding = [np.full(empty, slot) for slot in (NOBODY, SCRATCH)]
        before = self.table.gather(np.append(lease.slots, padding[0]), np.ones(len(lease.slots) + empty, np.bool_))
        rows = before.numpy() + 1
        after = self.table.lease(len(lease.slots))
        self.table.scatter(np.append(after.slots, padding[1]), ort.OrtValue.ortvalue_from_numpy(rows))
        return self._note(after, rows[: len(lease.slots)])

    @rule(count=st.integers(1, 9), seed=st.integers(0, 99))
    def fail(self, count: int, seed: int) -> None:
        """A run whose answers are no numbers, or that ends before it hands out its slots."""
        lease = self.table.lease(count)
        rows = _rows(count, seed)
        rows[-1, seed % _WIDTH] = np.nan if seed % 2 else np.inf
        sane = self.table.scatter(lease.slots, ort.OrtValue.ortvalue_from_numpy(rows))
        assert np.isfinite(sane).tolist() == [True] * (count - 1) + [False]

    @rule(lease=consumes(leases))
    def leave(self, lease: Lease) -> None:
        for slot in lease.slots.tolist():
            del self.wanted[slot]
        # The machine remembers the values of its bundles: the slots go back without their lease.
        lease.slots, slots = lease.slots[:0], lease.slots
        Lease(slots, lease._returned)

    @rule(lease=leases, newcomer=st.booleans())
    def read(self, lease: Lease, newcomer: bool) -> None:
        wanted = np.array([self.wanted[slot] for slot in lease.slots.tolist()]).copy()
        wanted[:, _SOUND:] *= not newcomer
        found = self.table.read(lease.slots, np.full(len(lease.slots), not newcomer))
        np.testing.assert_array_equal(found, wanted)

    @invariant()
    def as_many_slots_are_leased_as_are_held(self) -> None:
        assert self.table.leased == len(self.wanted)
        assert not _read(self.table, np.array([NOBODY])).any()


TestTable = _Model.TestCase
TestTable.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_table_grows_by_doubling_and_keeps_what_it_holds() -> None:
    table = _table()
    held = [(table.load(_rows(3, seed)), _rows(3, seed)) for seed in range(20)]
    assert table.capacity == 64
    for lease, rows in held:
        np.testing.assert_array_equal(_read(table, lease.slots), rows)


def test_slots_that_nobody_holds_any_more_are_used_again() -> None:
    table = _table()
    for seed in range(100):
        lease = table.load(_rows(2, seed))
    del lease
    gc.collect()
    assert (table.capacity, table.leased) == (8, 0)


def test_threads_that_come_and_go_do_not_touch_each_others_slots() -> None:
    table = _table()

    def live(seed: int) -> None:
        for turn in range(30):
            rows = _rows(1 + (seed + turn) % 4, seed * 100 + turn)
            lease = table.load(rows)
            np.testing.assert_array_equal(_read(table, lease.slots), rows)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(live, range(8)))
    gc.collect()
    assert table.leased == 0
