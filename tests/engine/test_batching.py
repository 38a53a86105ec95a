"""Batches across threads."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine.batching import Batch, Batcher


class _Recorder:
    """Doubles its requests and notes who shared a batch; can be held up to let requests pile up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = Event()
        self.go = Event()

    def __call__(self, requests: Sequence[int]) -> list[int]:
        self.entered.set()
        assert self.go.wait(30)
        self.batches.append(list(requests))
        return [2 * request for request in requests]


@settings(max_examples=30, deadline=None)
@given(
    requests=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), min_size=1, max_size=24), limit=st.integers(1, 9)
)
def test_everyone_gets_their_own_answer_in_batches_of_one_kind_within_the_limit(
    requests: list[tuple[int, int]], limit: int
) -> None:
    recorder = _Recorder()
    batcher: Batcher[int, int] = Batcher(recorder, limit=limit)
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = [pool.submit(batcher, number, kind=kind, size=size) for number, (kind, size) in enumerate(requests)]
        recorder.go.set()
        assert [answer.result(30) for answer in answers] == [2 * number for number in range(len(requests))]
    assert sorted(number for batch in recorder.batches for number in batch) == list(range(len(requests)))
    for batch in recorder.batches:
        assert len({requests[number][0] for number in batch}) == 1
        assert len(batch) == 1 or sum(requests[number][1] for number in batch) <= limit


def test_those_who_wait_while_the_model_runs_share_the_next_batch() -> None:
    recorder = _Recorder()
    told: list[Batch] = []
    batcher: Batcher[int, int] = Batcher(recorder, limit=100, on_batch=told.append)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batcher, 0, kind=None, size=1)
        assert recorder.entered.wait(30)
        rest = [pool.submit(batcher, number, kind=None, size=number) for number in (1, 2, 3)]
        while batcher.waiting < 3:
            sleep(0.01)
        recorder.go.set()
        assert [first.result(30), *(answer.result(30) for answer in rest)] == [0, 2, 4, 6]
    assert [len(batch) for batch in recorder.batches] == [1, 3]
    assert batcher.waiting == 0
    assert [(batch.rows, len(batch.waits)) for batch in told] == [(1, 1), (6, 3)]
    assert 0 < min(told[1].waits) < told[0].seconds + 30


def test_a_failure_reaches_everyone_in_the_batch_and_nobody_after_it() -> None:
    failing = True

    def run(requests: Sequence[int]) -> list[int]:
        if failing:
            raise MemoryError("no room")
        return list(requests)

    batcher: Batcher[int, int] = Batcher(run, limit=10)
    barrier = Barrier(3)

    def call(number: int) -> int:
        barrier.wait(30)
        return batcher(number, kind=None, size=1)

    with ThreadPoolExecutor(3) as pool:
        for answer in [pool.submit(call, number) for number in range(3)]:
            with pytest.raises(MemoryError, match="no room"):
                answer.result(30)
    failing = False
    assert batcher(7, kind=None, size=1) == 7
