import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes, Clip, read_all, write_clip

from service.errors import AttuneError, MediaTruncated, MediaUnreadable, NoMedia, UnsupportedMedia
from service.media.boxes import Layout, find_layout
from service.media.source import MediaSource


def box(kind: bytes, content: bytes = b"", *, size: int | None = None) -> bytes:
    return struct.pack(">I4s", 8 + len(content) if size is None else size, kind) + content


def large_box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, 16 + len(content)) + content


def track(samples: int, duration: int, entries: int = 1, handler: bytes = b"soun") -> bytes:
    sizes = box(b"stsz", struct.pack(">III", 0, 4, samples))
    times = box(b"stts", struct.pack(">II", 0, entries) + struct.pack(">II", samples, duration) * entries)
    kind = box(b"hdlr", bytes(8) + handler + bytes(13))
    return box(b"trak", box(b"mdia", kind + box(b"minf", box(b"stbl", sizes + times))))


def layout(data: bytes) -> Layout:
    return find_layout(MediaSource(Bytes(data, (11,)), 1 << 30))


FTYP = box(b"ftyp", b"isom\0\0\0\0")


def test_an_index_before_the_media_is_found() -> None:
    assert layout(FTYP + box(b"free", bytes(100)) + box(b"moov", track(10, 512)) + box(b"mdat")) is Layout.INDEX_FIRST


def test_an_index_of_fragments_is_found() -> None:
    assert layout(FTYP + box(b"moov", box(b"mvex"))) is Layout.FRAGMENTED


def test_media_before_the_index_are_found_without_reading_them() -> None:
    source = Bytes(FTYP + box(b"mdat", bytes(1_000_000)) + box(b"moov"), (100,))
    assert find_layout(MediaSource(source, 1 << 30)) is Layout.MEDIA_FIRST
    assert source.position < 1000


def test_boxes_with_long_sizes_are_read() -> None:
    assert layout(FTYP + large_box(b"free", bytes(50)) + large_box(b"moov", track(10, 512))) is Layout.INDEX_FIRST


@pytest.mark.parametrize("data", [b"", FTYP, FTYP[:5], FTYP + box(b"moov", track(10, 1))[:-3], FTYP + b"\0\0\0\1moov"])
def test_an_end_before_or_in_the_index_is_a_truncated_file(data: bytes) -> None:
    with pytest.raises(MediaTruncated):
        layout(data)


@pytest.mark.parametrize(
    "data",
    [
        FTYP + box(b"moof"),
        FTYP + box(b"free", size=3),
        FTYP + box(b"moov", size=0),
        FTYP + box(b"moov", size=1 << 30),
        FTYP + box(b"moov", box(b"trak", size=5)),
        FTYP + box(b"moov", track(2_000_000_000, 512)),
        FTYP + box(b"moov", track(2_000_000_000, 1, entries=2)),
        FTYP + box(b"moov", track(2_000_000_000, 1, handler=b"vide")),
        FTYP + box(b"moov", track(100_000, 512) * 20),
        FTYP + box(b"moov", box(b"free") * 20_000),
        FTYP + box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"free") * 20_000))))),
    ],
)
def test_a_damaged_or_absurd_structure_is_unreadable(data: bytes) -> None:
    with pytest.raises(MediaUnreadable):
        layout(data)


def test_an_hour_of_uncompressed_sound_is_no_absurd_index() -> None:
    assert layout(FTYP + box(b"moov", track(48_000 * 3600, 1))) is Layout.INDEX_FIRST


def test_the_index_is_not_looked_for_behind_ever_more_boxes() -> None:
    source = Bytes(FTYP + box(b"free") * 1_000_000)
    with pytest.raises(MediaUnreadable):
        find_layout(MediaSource(source, 1 << 30))
    assert source.position < 200_000


def test_the_index_of_a_spooled_file_is_not_looked_for_behind_ever_more_boxes() -> None:
    with pytest.raises(MediaUnreadable):
        read_all(FTYP + box(b"mdat") + box(b"free") * 20_000 + box(b"moov", track(10, 512)))


def test_a_compressed_index_is_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        layout(FTYP + box(b"moov", box(b"cmov")))


@pytest.mark.parametrize("content", [b"", box(b"mvhd", bytes(100))])
def test_an_index_without_tracks_is_no_media(content: bytes) -> None:
    with pytest.raises((NoMedia, MediaUnreadable)):
        read_all(FTYP + box(b"moov", content) + box(b"mdat"))


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=500))
def test_arbitrary_boxes_give_a_layout_or_a_documented_error(content: bytes) -> None:
    with suppress(MediaTruncated, MediaUnreadable, UnsupportedMedia):
        assert isinstance(layout(FTYP + box(b"moov", content) + content), Layout)


@pytest.fixture(scope="module")
def small() -> bytes:
    return write_clip(Clip(seconds=0.2, size=(16, 16)))


@settings(deadline=None, max_examples=50)
@given(position=st.integers(0, 1 << 20), value=st.integers(0, 255))
def test_a_damaged_byte_in_the_index_gives_media_or_a_documented_error(small: bytes, position: int, value: int) -> None:
    data = bytearray(small)
    start = data.index(b"moov") - 4
    data[start + position % (len(data) - start)] = value
    with suppress(AttuneError):
        read_all(bytes(data))
