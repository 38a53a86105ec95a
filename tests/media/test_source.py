import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes

from service.errors import BodyTooLarge
from service.media.restarts import Restarts
from service.media.source import MediaSource

DATA = bytes(range(256)) * 4


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 300), min_size=1),
    calls=st.lists(st.tuples(st.sampled_from(["read", "peek", "rewind"]), st.integers(1, 400))),
)
def test_peeking_and_rewinding_never_lose_or_repeat_a_byte(sizes: list[int], calls: list[tuple[str, int]]) -> None:
    source = MediaSource(Bytes(DATA, sizes), 1 << 20)
    position = 0
    for call, size in calls:
        if call == "read":
            chunk = source.read(size)
            assert len(chunk) <= size
            assert chunk == DATA[position : position + len(chunk)]
            assert chunk or position == len(DATA)
            position += len(chunk)
        elif call == "peek":
            assert source.peek(size) == DATA[position : position + size]
        else:
            source.rewind()
            position = 0
    source.release()
    rest = b""
    while chunk := source.read(100):
        rest += chunk
    assert rest == DATA[position:]
    assert source.received == len(DATA)


def test_skipped_bytes_are_gone_even_after_rewinding() -> None:
    source = MediaSource(Bytes(DATA, (7,)), 1 << 20)
    source.skip(100)
    assert source.peek(3) == DATA[100:103]
    source.read(50)
    source.rewind()
    assert source.read(3) == DATA[100:103]


def test_skipping_past_the_end_is_the_end() -> None:
    source = MediaSource(Bytes(DATA), 1 << 20)
    source.skip(5000)
    assert source.read(1) == b""


def test_exactly_as_many_bytes_as_allowed_pass() -> None:
    source = MediaSource(Bytes(DATA), len(DATA))
    assert source.peek(2000) == DATA
    source.check()


def test_one_byte_more_than_allowed_ends_the_source_and_is_told_by_check() -> None:
    source = MediaSource(Bytes(DATA), len(DATA) - 1)
    assert source.read(2000) == b""
    assert source.ended
    with pytest.raises(BodyTooLarge):
        source.check()


def test_a_source_that_gives_more_than_asked_never_reaches_a_buffer() -> None:
    class Greedy:
        def read(self, size: int, /) -> bytes:
            return bytes(size + 1)

    source = MediaSource(Greedy(), 1 << 20)
    assert source.read(10) == b""
    with pytest.raises(ValueError, match="more bytes"):
        source.check()


def test_a_failed_source_is_not_read_again() -> None:
    class Failing:
        reads = 0

        def read(self, size: int, /) -> bytes:
            self.reads += 1
            raise OSError(f"no {size} bytes")

    failing = Failing()
    source = MediaSource(failing, 1 << 20)
    assert [source.read(1), source.read(1), source.peek(1)] == [b"", b"", b""]
    assert failing.reads == 1
    with pytest.raises(OSError, match="no 1 bytes"):
        source.check()


def test_arrivals_are_those_of_the_bytes_also_behind_a_skipped_tag() -> None:
    class Noted(Bytes):
        def arrival(self, offset: int) -> float:
            return 10.0 + offset

    source = MediaSource(Noted(DATA), 1 << 20)
    assert source.arrival(3) == 13
    source.skip(100)
    source.read(50)
    assert source.arrival(3) == 113
    assert MediaSource(Bytes(DATA), 1 << 20).arrival(3) == 0


def test_who_follows_sees_each_byte_once_whenever_it_begins_and_however_the_source_is_read() -> None:
    class Seen(Restarts):
        def feed(self, data: bytes) -> None:
            seen.append(data)

    for before in (0, 1, 300):
        seen: list[bytes] = []
        source = MediaSource(Bytes(DATA, (11,)), 1 << 20)
        source.peek(before)
        source.follow(Seen("matroska"))
        source.release()
        while source.read(100):
            pass
        assert b"".join(seen) == DATA
