from io import BytesIO

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes, Clip, write_clip

from service.media.rejoin import Rejoined, _padding

CLUSTER = bytes.fromhex("1F43B675")


def read_all(source: Rejoined, sizes: list[int]) -> bytes:
    out, turn = b"", 0
    while chunk := source.read(sizes[turn % len(sizes)]):
        assert len(chunk) <= sizes[turn % len(sizes)]
        out += chunk
        turn += 1
    return out


@settings(deadline=None, max_examples=60)
@given(
    init=st.integers(1, 50),
    gap=st.just(0) | st.integers(8, 100_000),
    rest=st.binary(max_size=50),
    sizes=st.lists(st.integers(1, 40_000), min_size=1, max_size=5),
    container=st.sampled_from(["matroska", "mov"]),
)
def test_every_byte_of_the_rest_lies_where_it_lay(
    init: int, gap: int, rest: bytes, sizes: list[int], container: str
) -> None:
    head = bytes(range(1, init + 1))
    data = read_all(Rejoined(Bytes(head + rest, (7,)), container, init, init + gap), sizes)
    assert data[:init] == head
    assert data[init + gap :] == rest
    assert len(data) == init + gap + len(rest)


@pytest.mark.parametrize("size", [*range(2, 40), 127, 128, 129, 1 << 20])
def test_padding_is_one_matroska_void_element_of_any_size(size: int) -> None:
    head = _padding("matroska", size)
    assert head[0] == 0xEC
    width = 9 - head[1].bit_length()
    content = int.from_bytes(head[1 : 1 + width], "big") & ((1 << 7 * width) - 1)
    assert len(head) == 1 + width
    assert len(head) + content == size


@pytest.mark.parametrize("size", [8, 9, 1000, (1 << 32) - 1, 1 << 32, 1 << 40])
def test_padding_is_one_free_box_of_any_size(size: int) -> None:
    head = _padding("mov", size)
    assert head[4:8] == b"free"
    stated = int.from_bytes(head[:4], "big")
    assert stated == size if size < 1 << 32 else (stated, int.from_bytes(head[8:16], "big")) == (1, size)


def test_ffmpeg_reads_over_the_padding_and_tells_the_old_positions() -> None:
    data = write_clip(Clip("webm", "libvpx", "libopus", muxer={"live": "1"}, encoder={"g": "8"}))
    first, last = data.index(CLUSTER), data.rindex(CLUSTER)
    with av.open(BytesIO(data), "r") as container:
        expected = [
            (packet.pos, packet.pts) for packet in container.demux() if packet.size and (packet.pos or 0) > last
        ]
    with av.open(Rejoined(Bytes(data[:first] + data[last:]), "matroska", first, last), "r") as container:
        got = [(packet.pos, packet.pts) for packet in container.demux() if packet.size]
    assert got == expected
    assert len(got) > 5


class Noted(Bytes):
    def arrival(self, offset: int) -> float:
        return 100.0 + offset


def test_bytes_arrived_when_the_source_says_and_padding_never() -> None:
    source = Rejoined(Noted(b"headrest"), "mov", 4, 104)
    assert [source.arrival(offset) for offset in (0, 3, 4, 103, 104, 107)] == [100, 103, 0, 0, 104, 107]
    assert Rejoined(Bytes(b"headrest"), "mov", 4, 104).arrival(104) == 0


def test_bytes_that_end_within_the_header_are_not_padded() -> None:
    assert read_all(Rejoined(Bytes(b"hea"), "mov", 4, 104), [10]) == b"hea"
