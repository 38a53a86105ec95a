"""What is new, and what came before."""

from itertools import permutations

import pytest
from cli.watching import measurement
from client.fake import error

from service.client.ledger import Ledger
from service.protocol.messages import FramesDropped, Measurement, UtteranceEnd, UtteranceStart
from service.representation import LABELS


def steps(*places: tuple[int, int]) -> list[Measurement]:
    """Measurements at (step, person)."""
    return [measurement(step / 25, person) for step, person in places]


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
@pytest.mark.parametrize("received", [1, 2, 3])
def test_everyone_at_a_step_comes_once_in_whatever_order(order: tuple[int, ...], received: int) -> None:
    ledger = Ledger()
    for one in steps((6, 1), (6, 2), *((7, person) for person in order[:received])):
        assert ledger.is_new(one)
    again = steps((6, 1), (6, 2), *((7, person) for person in order), (8, 1))
    assert [ledger.is_new(one) for one in again] == [False] * (2 + received) + [True] * (4 - received)


def test_an_utterance_begins_and_ends_once() -> None:
    ledger = Ledger()
    begin, end = UtteranceStart(start=1.0), UtteranceEnd(start=1.0, end=2.0, people=[])
    assert [ledger.is_new(one) for one in (begin, begin, end, begin, end)] == [True, False, True, False, False]
    assert ledger.is_new(UtteranceStart(start=3.0))


def test_counts_only_grow() -> None:
    ledger = Ledger()
    counts = [FramesDropped(dropped={"late": late, "invalid": 1}) for late in (1, 4, 2, 4, 5)]
    assert [ledger.is_new(one) for one in counts] == [True, True, False, False, True]


def test_an_error_is_told_once_for_each_message_and_code() -> None:
    ledger = Ledger()
    first = error("invalid_frame", fatal=False, sequence=5)
    other = error("rate_limited", fatal=False, sequence=5)
    nameless = error("invalid_frame", fatal=False)
    assert [ledger.is_new(one) for one in (first, other, first, nameless, nameless)] == [True, True, False, True, True]
    ledger.forget(6)
    assert ledger.is_new(error("invalid_frame", fatal=False, sequence=6))


def test_scores_are_kept_of_what_has_some_in_few_bytes() -> None:
    ledger = Ledger()
    for step in range(1000):
        assert ledger.is_new(measurement(step / 25, scores=0.5))
    ledger.is_new(measurement(50.0, 2, scores=None))
    assert set(ledger.people) == {1}
    assert len(ledger.people[1]._scores) == 1000 * len(LABELS)
