import struct
from io import BytesIO

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Clip, as_a_browser_writes, element, write_clip

from service.media.restarts import Restarts

CLUSTER = bytes.fromhex("1F43B675")
UNKNOWN = b"\x01" + b"\xff" * 7


def found(container: str, data: bytes, sizes: tuple[int, ...] = (1 << 20,)) -> list[int]:
    """All places to begin at, the bytes being fed in pieces."""
    restarts = Restarts(container)
    at = turn = 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        restarts.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    places = [restarts.before(position) for position in range(len(data) + 1)]
    return [place for place in dict.fromkeys(places) if place is not None]


def webm() -> bytes:
    return write_clip(Clip("webm", "libvpx", "libopus", muxer={"live": "1"}, encoder={"g": "8"}))


def box(kind: bytes, content: bytes = b"", *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content
    return struct.pack(">I4s", 8 + len(content), kind) + content


def moof(*timed: bool) -> bytes:
    """A fragment's header with one track for each entry, which tells its time or does not."""
    tracks = [box(b"traf", box(b"tfhd", bytes(8)) + (box(b"tfdt", bytes(8)) if tells else b"")) for tells in timed]
    return box(b"moof", box(b"mfhd", bytes(8)) + b"".join(tracks))


@pytest.fixture(scope="module")
def recordings() -> dict[str, tuple[str, bytes]]:
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    live = webm()
    return {
        "webm": ("matroska", live),
        "webm by a browser": ("matroska", as_a_browser_writes(live)),
        "webm with its index": ("matroska", write_clip(Clip("webm", "libvpx", "libopus"))),
        "mp4": ("mov", write_clip(Clip("mp4", muxer=fragments, encoder={"g": "8"}))),
    }


@pytest.mark.parametrize("name", ["webm", "webm by a browser", "webm with its index", "mp4"])
def test_a_recording_may_be_read_from_every_cluster_or_fragment_on(
    recordings: dict[str, tuple[str, bytes]], name: str
) -> None:
    container, data = recordings[name]
    places = found(container, data)
    if container == "matroska":
        assert places == [at for at in range(len(data)) if data.startswith(CLUSTER, at)]
    else:
        assert places == [at - 4 for at in range(len(data)) if data.startswith(b"moof", at)]
    assert len(places) >= (1 if "index" in name else 3)


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 200), min_size=1, max_size=10), name=st.sampled_from(["webm by a browser", "mp4"]))
def test_how_the_bytes_are_cut_makes_no_difference(
    recordings: dict[str, tuple[str, bytes]], sizes: list[int], name: str
) -> None:
    container, data = recordings[name]
    assert found(container, data[:20_000], tuple(sizes)) == found(container, data[:20_000])


@pytest.mark.parametrize("size", [b"\x01\0\0\0\0\0\0\x20", UNKNOWN])
def test_media_that_hold_the_mark_of_a_cluster_are_not_taken_for_one(size: bytes) -> None:
    block = element("A3", b"\x81\0\0\x80" + CLUSTER + element("E7", b"\0") + CLUSTER)
    cluster = CLUSTER + (size if size == UNKNOWN else b"\x01" + len(block).to_bytes(7, "big")) + block
    head = element("1A45DFA3", b"") + bytes.fromhex("18538067") + UNKNOWN
    data = head + cluster + cluster + element("EC", CLUSTER + UNKNOWN) + cluster
    assert found("matroska", data) == [
        len(head),
        len(head) + len(cluster),
        len(head) + 2 * len(cluster) + 9 + len(CLUSTER + UNKNOWN),
    ]


def test_fragments_that_do_not_tell_the_time_of_each_track_are_no_place_to_begin() -> None:
    parts = [
        (box(b"ftyp", b"iso5") + box(b"moov", bytes(50)), False),
        (moof(True, True), True),
        (box(b"mdat", b"moof" * 20), False),
        (moof(True, False), False),
        (box(b"mdat", b"x"), False),
        (moof(False), False),
        (box(b"mdat"), False),
        (moof(True), True),
        (box(b"mdat", bytes(100), large=True), False),
        (box(b"free", b"moof"), False),
        (moof(True), True),
        (box(b"mdat", bytes(3)), False),
    ]
    expected, at = [], 0
    for data, begins in parts:
        expected += [at] * begins
        at += len(data)
    data = b"".join(part for part, _ in parts)
    assert found("mov", data) == expected
    assert found("mov", data, (1,)) == expected


def test_the_header_ends_where_the_first_place_is_unless_that_is_known() -> None:
    data = webm()
    restarts, again = Restarts("matroska"), Restarts("matroska", 123)
    assert (restarts.init_bytes, again.init_bytes) == (None, 123)
    restarts.feed(data)
    again.feed(data)
    assert restarts.init_bytes == data.index(CLUSTER)
    assert again.init_bytes == 123
    with av.open(BytesIO(data[: restarts.init_bytes] + data[data.rindex(CLUSTER) :]), "r") as container:
        assert sum(1 for packet in container.demux() if packet.size) > 3


def test_places_not_asked_about_take_no_memory_without_end() -> None:
    restarts = Restarts("matroska")
    restarts.feed(bytes.fromhex("18538067") + UNKNOWN)
    for _ in range(20):
        restarts.feed((CLUSTER + b"\x80") * 1000)
    assert restarts.before(12 + 5 * 100) == 12 + 5 * 100
    assert 12 < (restarts.before(1 << 40) or 0) < 12 + 5 * 5000


@settings(deadline=None)
@given(data=st.binary(max_size=300), container=st.sampled_from(["matroska", "mov"]), sizes=st.integers(1, 40))
def test_arbitrary_bytes_are_walked_without_failing_however_they_are_cut(
    data: bytes, container: str, sizes: int
) -> None:
    for start in (b"", bytes.fromhex("18538067") + UNKNOWN):
        assert found(container, start + data, (sizes,)) == found(container, start + data)
