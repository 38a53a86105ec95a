"""Where the pieces of a recording begin and end: boxes, elements, pages, chunks, tags, packets and frames."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ISO_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"mvex", b"moof", b"traf")
_EBML_PARENTS = {
    *("1a45dfa3", "18538067", "114d9b74", "4dbb", "1549a966", "1654ae6b", "ae", "e0", "e1", "1f43b675", "a0"),
    *("1c53bb6b", "bb", "b7", "1254c367", "7373", "63c0", "67c8"),
}
_TS = 188


@dataclass(frozen=True, slots=True)
class Part:
    """One piece: its header, then its content, in which there may be further parts."""

    name: str
    start: int
    content: int
    end: int


def parts(media: bytes) -> list[Part]:
    """All parts of a recording that `originals` has, parents before their children."""
    return list(_walker(media)(media, 0, len(media)))


def _walker(media: bytes) -> Callable[[bytes, int, int], Iterator[Part]]:
    for magic, walker in (
        (b"\x1a\x45\xdf\xa3", _elements),
        (b"RIFF", _chunks),
        (b"OggS", _pages),
        (b"FLV", _tags),
        (b"fLaC", _blocks),
        (b"\x47", _packets),
        (b"\xff", _frames),
        (b"ID3", _frames),
    ):
        if media.startswith(magic):
            return walker
    return _boxes


def _boxes(media: bytes, start: int, end: int) -> Iterator[Part]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", media, start)
        stop = min(end, start + max(8, size))
        yield Part(kind.decode("latin-1"), start, start + 8, stop)
        if kind in _ISO_PARENTS:
            yield from _boxes(media, start + 8, stop)
        start = stop


def _elements(media: bytes, start: int, end: int) -> Iterator[Part]:
    while start + 2 <= end:
        width = 9 - media[start].bit_length()
        if start + width >= end:
            return
        length = 9 - media[start + width].bit_length()
        content = start + width + length
        size = int.from_bytes(media[start + width : content], "big") & ((1 << 7 * length) - 1)
        unknown = size == (1 << 7 * length) - 1
        name = media[start : start + width].hex()
        stop = end if unknown else min(end, content + size)
        yield Part(name, start, content, stop)
        if name in _EBML_PARENTS:
            yield from _elements(media, content, stop)
        start = stop


def _chunks(media: bytes, start: int, end: int) -> Iterator[Part]:
    while start + 8 <= end:
        kind, size = struct.unpack_from("<4sI", media, start)
        stop = min(end, start + 8 + size + size % 2)
        yield Part(kind.decode("latin-1"), start, start + 8, stop)
        if kind in (b"RIFF", b"LIST"):
            yield from _chunks(media, start + 12, stop)
        start = stop


def _pages(media: bytes, start: int, end: int) -> Iterator[Part]:
    number = 0
    while start + 27 <= end:
        content = start + 27 + media[start + 26]
        stop = min(end, content + sum(media[start + 27 : content]))
        yield Part(f"page {number}", start, content, stop)
        start, number = stop, number + 1


def _tags(media: bytes, start: int, end: int) -> Iterator[Part]:
    yield Part("header", start, start + 9, start + 13)
    start += 13
    while start + 11 <= end:
        stop = min(end, start + 15 + int.from_bytes(media[start + 1 : start + 4], "big"))
        yield Part(f"tag {media[start]}", start, start + 11, stop)
        start = stop


def _blocks(media: bytes, start: int, end: int) -> Iterator[Part]:
    start += 4
    last = False
    while not last and start + 4 <= end:
        last, kind = bool(media[start] & 0x80), media[start] & 0x7F
        stop = min(end, start + 4 + int.from_bytes(media[start + 1 : start + 4], "big"))
        yield Part(f"block {kind}", start, start + 4, stop)
        start = stop
    yield Part("frames", start, min(end, start + 6), end)


def _packets(media: bytes, start: int, end: int) -> Iterator[Part]:
    for place in range(start, end, _TS):
        number = int.from_bytes(media[place + 1 : place + 3], "big") & 0x1FFF
        yield Part(f"packet {number}", place, min(end, place + 4), min(end, place + _TS))


def _frames(media: bytes, start: int, end: int) -> Iterator[Part]:
    """Of ADTS by their sizes; of MPEG layer III by their first bytes, which is near enough to damage something."""
    if media.startswith(b"ID3"):
        yield Part("tag", start, start + 10, start := media.index(b"\xff\xfb"))
    first = media[start : start + 2]
    while start < end:
        size = int.from_bytes(media[start + 3 : start + 6], "big") >> 5 & 0x1FFF
        following = start + size if first[1] & 0xF6 == 0xF0 else media.find(first, start + 4)
        stop = following if start < following < end else end
        yield Part("frame", start, min(stop, start + 7), stop)
        start = stop
