"""What decoders read of a session, fed by the test through a socket."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidFrame
from service.protocol.frames import FrameMessage, pack
from service.workers.blackbox import Hand
from service.workers.feed import CHUNK, END, MESSAGE, OPTIONS, FeedReader, GivenUp, encode_frame
from service.workers.sources import ContainerSource, frame_messages


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, FeedReader]]:
    """The service's end, and the process's reader of the other."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, FeedReader(theirs, Hand(bytearray(32), 0))


@given(st.lists(st.binary(max_size=9), max_size=9), st.integers(1, 7))
def test_chunks_read_as_one_run_of_bytes_each_with_the_time_its_chunk_came(chunks: list[bytes], size: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        source = ContainerSource(FeedReader(theirs, Hand(bytearray(32), 0)))
        for number, chunk in enumerate(chunks):
            ours.sendall(encode_frame(CHUNK, chunk, arrived=1.0 + number))
        ours.sendall(encode_frame(END))
        pieces = list(iter(lambda: source.read(size), b""))
        assert b"".join(pieces) == b"".join(chunks)
        assert all(len(piece) <= size for piece in pieces)
        times = [1.0 + number for number, chunk in enumerate(chunks) for _ in chunk]
        assert [source.arrival(offset) for offset in range(len(times) + 1)] == [*times, 0.0]
        assert source.read(size) == b""


def test_the_times_of_chunks_take_bounded_memory(pair: tuple[socket.socket, FeedReader]) -> None:
    ours, feed = pair
    source = ContainerSource(feed)
    for number in range(5000):
        ours.sendall(encode_frame(CHUNK, b"x", arrived=1.0 + number))
        source.read(1)
    assert source.arrival(4999) == 5000.0
    assert source.arrival(0) == 1.0 + 5000 - 4096  # no earlier one is remembered


def test_a_session_that_is_given_up_never_looks_like_the_end_of_the_media(
    pair: tuple[socket.socket, FeedReader],
) -> None:
    ours, feed = pair
    source = ContainerSource(feed)
    ours.sendall(encode_frame(CHUNK, b"media") + encode_frame(CHUNK, b"half of it")[:-4])
    ours.close()
    assert source.read(9) == b"media"
    with pytest.raises(GivenUp):
        source.read(9)


def test_messages_come_with_their_times_and_one_that_is_none_is_reported(
    pair: tuple[socket.socket, FeedReader],
) -> None:
    ours, feed = pair
    sound = FrameMessage("sound", 0, 0, 16_000, bytes(640))
    picture = FrameMessage("picture", 2, 40_000_000, 0, b"jpeg")
    for arrived, data in enumerate([pack(sound), pack(sound)[:-1], b"short", pack(picture)], start=1):
        ours.sendall(encode_frame(MESSAGE, data, arrived=float(arrived)))
    ours.sendall(encode_frame(END))
    reported: list[InvalidFrame] = []
    assert list(frame_messages(feed, reported.append)) == [(sound, 1.0), (picture, 4.0)]
    assert [error.sequence for error in reported] == [0, None]


def test_a_frame_that_has_no_place_there_is_a_defect(pair: tuple[socket.socket, FeedReader]) -> None:
    ours, feed = pair
    ours.sendall(encode_frame(OPTIONS) + encode_frame(OPTIONS))
    with pytest.raises(ValueError, match="kind 1"):
        ContainerSource(feed).read(1)
    with pytest.raises(ValueError, match="kind 1"):
        list(frame_messages(feed, print))
