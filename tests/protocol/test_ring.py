"""Whatever is taken, taken back and dropped, the bytes stay in order and none is lost that is still needed."""

import pytest
from client.sessions import recording
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.protocol.ring import Ring

LIMIT = 200
HEAD = 30


class RingMachine(RuleBasedStateMachine):
    """A ring of chunks beside the plain bytes they came from."""

    def __init__(self) -> None:
        super().__init__()
        self.source = recording(100_000)
        self.ring = Ring(LIMIT, head=HEAD)
        self.next = 0
        """Position of the byte that is sent next."""

    @rule(size=st.integers(1, 90))
    def append(self, size: int) -> None:
        self.ring.append(self.source[self.ring.end : self.ring.end + size], size)

    @rule()
    def take(self) -> None:
        piece = self.ring.take()
        if piece is None:
            assert self.next == self.ring.end
        else:
            assert piece.data
            assert piece.start == self.next
            assert piece.data == self.source[piece.start : piece.end]
            self.next = piece.end

    @rule(share=st.floats(0, 1), head=st.integers(0, HEAD))
    def rewind(self, share: float, head: int) -> None:
        position = self.ring.start + round(share * (self.next - self.ring.start))
        if not self.ring.can_resume(position, head):
            assert head > self.ring.end
            return
        assert self.ring.rewind(position, head) == self.source[:head]
        self.next = position

    @rule(share=st.floats(0, 1))
    def forget(self, share: float) -> None:
        position = self.ring.start + round(share * (self.next - self.ring.start))
        self.ring.forget(position)
        assert self.ring.start <= position or position == self.ring.end

    @precondition(lambda self: self.ring.start > 0)
    @rule()
    def what_was_dropped_cannot_come_back(self) -> None:
        assert not self.ring.can_resume(self.ring.start - 1, 0)
        with pytest.raises(LookupError):
            self.ring.rewind(self.ring.start - 1, 0)

    @invariant()
    def it_is_bounded_and_keeps_what_is_not_sent(self) -> None:
        assert self.ring.start <= self.next
        assert self.ring.sent == self.next
        assert self.ring.unsent == self.ring.end - self.next
        # A piece is dropped whole, so the last one may reach over the limit by itself only when it is unsent.
        assert self.ring.end - self.ring.start <= max(LIMIT, self.ring.unsent)


TestRing = RingMachine.TestCase


@given(messages=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=20), share=st.floats(0, 1))
def test_messages_are_never_cut(messages: list[bytes], share: float) -> None:
    ring = Ring(10_000, head=0)
    for message in messages:
        ring.append(message, 1)
    while ring.take() is not None:
        pass
    position = round(share * len(messages))
    ring.rewind(position, 0)
    assert [piece.data for _ in messages[position:] if (piece := ring.take())] == messages[position:]
    assert ring.take() is None


def test_a_header_that_was_not_kept_cannot_be_sent_again() -> None:
    ring = Ring(1000, head=4)
    ring.append(b"123456", 6)
    assert ring.can_resume(0, 4)
    assert not ring.can_resume(0, 5)


def test_a_ring_may_begin_in_the_middle_and_knows_when_each_piece_came() -> None:
    ring = Ring(1000, head=0, start=100)
    ring.append(b"abcd", 4, at=1.5)
    ring.append(b"efgh", 4, at=2.5)
    assert ring.take()
    ring.rewind(102, 0)
    pieces = [piece for _ in range(2) if (piece := ring.take())]
    assert [(piece.start, piece.data, piece.at) for piece in pieces] == [(102, b"cd", 1.5), (104, b"efgh", 2.5)]
    assert not ring.can_resume(99, 0)


def test_what_tiny_pieces_take_beside_their_bytes_counts_towards_the_limit() -> None:
    ring = Ring(1000, head=0, overhead=99)
    for _ in range(50):
        ring.append(b"x", 1)
        ring.take()
    assert ring.end - ring.start == 10
