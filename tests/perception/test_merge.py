"""Which steps are complete when, and that a merger goes on from a mark."""

import json
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import Step
from service.perception.merge import ABSENT_AFTER, GONE_AFTER, Merger
from service.perception.sound import Heard
from service.representation import SAMPLES_PER_STEP

ROWS = np.zeros((4, 64), np.float32)


class Player:
    """Feeds a merger with pictures and sound that come step by step."""

    def __init__(self, merger: Merger | None = None) -> None:
        self.merger = merger or Merger(has_video=True, has_audio=True)
        self._sound = 0

    def see(self, step: int) -> list[Step]:
        self.merger.see(step, (), arrived=1.0)
        return list(self.merger.ready())

    def hear(self, step: int) -> list[Step]:
        """All the sound up to that step."""
        heard = iter([Heard(one, ROWS, False, arrived=2.0) for one in range(self._sound, step + 1)])
        self._sound = step + 1
        self.merger.hear(heard)
        self.merger.hear_to(SAMPLES_PER_STEP * step)
        return list(self.merger.ready())


def indices(steps: Iterator[Step] | list[Step]) -> list[int]:
    return [step.index for step in steps]


def test_a_step_waits_for_both() -> None:
    player = Player()
    assert indices(player.see(0)) == []
    assert indices(player.hear(1)) == [0]
    assert indices(player.hear(3)) == []
    assert indices(player.see(2)) == [1, 2]


def test_a_step_waits_for_what_lags_until_it_is_absent_and_for_what_is_gone_not_at_all() -> None:
    player = Player()
    given = [indices(player.hear(step)) for step in range(1, GONE_AFTER + 10)]
    assert given[:ABSENT_AFTER] == [[]] * ABSENT_AFTER
    assert given[ABSENT_AFTER:GONE_AFTER] == [[step] for step in range(GONE_AFTER - ABSENT_AFTER)]
    assert given[GONE_AFTER] == list(range(GONE_AFTER - ABSENT_AFTER, GONE_AFTER + 1))
    assert given[GONE_AFTER + 1 :] == [[step] for step in range(GONE_AFTER + 1, GONE_AFTER + 9)]


def test_what_returns_is_waited_for_again_though_it_comes_too_late_at_first() -> None:
    player = Player()
    for step in range(1, GONE_AFTER + 10):
        player.hear(step)
    late = GONE_AFTER + 5
    assert not player.merger.wants(late)
    assert player.see(late) == []
    assert player.hear(GONE_AFTER + 11) == []
    assert player.merger.wants(GONE_AFTER + 9)
    assert indices(player.see(GONE_AFTER + 10)) == [GONE_AFTER + 9, GONE_AFTER + 10]


def test_alone_nothing_is_waited_for() -> None:
    merger = Merger(has_video=False, has_audio=True)
    assert indices(Player(merger).hear(3)) == [0, 1, 2]
    assert indices(merger.rest()) == []


def test_at_the_end_all_that_came_is_given() -> None:
    player = Player()
    player.see(0)
    player.hear(2)
    player.hear(5)
    steps = list(player.merger.rest())
    assert indices(steps) == [1, 2, 3, 4]
    assert [step.arrived for step in steps] == [2.0] * 4


@settings(max_examples=200, deadline=None)
@given(
    items=st.lists(st.tuples(st.booleans(), st.sampled_from([1, 1, 1, 2, 30, 60, 130])), min_size=1, max_size=60),
    data=st.data(),
)
def test_a_merger_goes_on_from_a_mark_when_it_is_given_again_what_counts(
    items: list[tuple[bool, int]], data: st.DataObject
) -> None:
    """Everything from the marked step on is given again, and some of what came before it."""
    times = {True: 0, False: 0}
    whole, marks, given = Player(), dict[int, list[int]](), []

    def play(player: Player, pieces: list[tuple[bool, int]]) -> Iterator[Step]:
        for seen, step in pieces:
            player.merger.see(step, (), 1.0) if seen else player.merger.hear(iter([Heard(step, ROWS, False, 2.0)]))
            if not seen:
                player.merger.hear_to(SAMPLES_PER_STEP * step)
            yield from player.merger.ready()
        yield from player.merger.rest()

    pieces = []
    for seen, later in items:
        times[seen] += later
        pieces.append((seen, times[seen]))
    for step in play(whole, pieces):
        marks[step.index] = json.loads(json.dumps(whole.merger.mark(step.index)))
        given.append(step)
    marked = data.draw(st.sampled_from(given)).index
    again = Player()
    again.merger.resume(marked, marks[marked])
    first = next((at for at, (_, step) in enumerate(pieces) if step >= marked), len(pieces))
    begin = max(0, first - data.draw(st.integers(0, 5)))
    replayed = list(play(again, pieces[begin:]))
    assert [(step.index, step.mel is None, step.arrived) for step in replayed] == [
        (step.index, step.mel is None, step.arrived) for step in given if step.index >= marked
    ]
