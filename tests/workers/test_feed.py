"""The process's end of a session's socket."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from service.workers.blackbox import Hand
from service.workers.feed import CHUNK, END, FeedReader, encode_frame


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, FeedReader]]:
    """The service's end, and the reader of the other."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, FeedReader(theirs, Hand(bytearray(32), 0))


def test_the_longest_wait_is_that_from_an_arrival_to_its_being_read(pair: tuple[socket.socket, FeedReader]) -> None:
    service, reader = pair
    now = time.monotonic()
    for age in (0.0, 5.0, 1.0):
        service.sendall(encode_frame(CHUNK, b"media", now - age))
        reader.next()
    assert reader.take_longest_wait() == pytest.approx(5.0, abs=1.0)
    assert reader.take_longest_wait() == 0.0


def test_what_nobody_noted_the_arrival_of_has_not_waited(pair: tuple[socket.socket, FeedReader]) -> None:
    service, reader = pair
    service.sendall(encode_frame(CHUNK, b"media") + encode_frame(END))
    reader.next()
    reader.next()
    assert reader.take_longest_wait() == 0.0


def test_waiting_for_bytes_is_added_up(pair: tuple[socket.socket, FeedReader]) -> None:
    service, reader = pair
    timer = threading.Timer(0.2, service.sendall, (encode_frame(END),))
    timer.start()
    reader.next()
    timer.join()
    assert 0.1 < reader.waited < 60
