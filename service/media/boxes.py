"""Where an ISO base media file (ISO/IEC 14496-12: MP4, MOV, M4A) keeps its index, and whether the index is sane."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from service.errors import MediaTruncated, MediaUnreadable, UnsupportedMedia
from service.media.source import MediaSource
from service.media.spool import Spool

_MAX_INDEX = 64 << 20
"""Bytes before the media and bytes of index that are read into memory; an hour of video has about 4 MiB of index."""
_MAX_SAMPLES = 1_500_000
"""Samples of all tracks together: FFmpeg holds 32 bytes for each however small the file, and an hour of 240 fps with
sound has 1,030,000."""
_MAX_BOXES = 10_000
"""Boxes in one other, or before the index: each costs time, and no writer makes a hundred."""
_HEADER = 16


class Layout(Enum):
    """In which order a file comes."""

    INDEX_FIRST = "index first"
    FRAGMENTED = "fragmented"
    """Index first, for media that follow in fragments of their own; how live recorders write."""
    MEDIA_FIRST = "media first"
    """The index comes after the media: nothing can be decoded before the whole file is there."""


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    """Where its content starts."""
    end: int | None
    """Where it ends; None if only the end of the file ends it."""


def find_layout(source: MediaSource) -> Layout:
    """Look ahead as far as the index or the media, whichever comes first.

    Raises `MediaTruncated` where the bytes end before either, `MediaUnreadable` for a damaged structure.
    """
    position = 0
    for _ in range(_MAX_BOXES):
        box = _parse_header(source.peek(_HEADER, position), position)
        source.check()
        if box is None:
            raise MediaTruncated("The file ends before its index.")
        if box.kind == b"mdat":
            return Layout.MEDIA_FIRST
        if box.kind == b"moof":
            raise MediaUnreadable("The file is a fragment without the index that belongs to it.")
        if box.end is None or box.end > _MAX_INDEX:
            raise MediaUnreadable("The file's index is unreasonably large.")
        if box.kind == b"moov":
            data = source.peek(box.end - box.start, box.start)
            source.check()
            return _check_index(data, box.end - box.start)
        position = box.end
    raise _damaged()


def check_spooled(spool: Spool) -> None:
    """Find the index in a spooled file and check it; errors as `find_layout`."""
    position = 0
    for _ in range(_MAX_BOXES):
        spool.seek(position)
        box = _parse_header(spool.read(_HEADER), position)
        if box is None or box.end is None or box.end > spool.size:
            raise MediaTruncated("The file ends before its index.")
        if box.kind == b"moov":
            if box.end - box.start > _MAX_INDEX:
                raise MediaUnreadable("The file's index is unreasonably large.")
            spool.seek(box.start)
            _check_index(spool.read(box.end - box.start), box.end - box.start)
            spool.seek(0)
            return
        position = box.end
    raise _damaged()


def _check_index(moov: bytes, size: int) -> Layout:
    if len(moov) < size:
        raise MediaTruncated("The file ends within its index.")
    layout = Layout.INDEX_FIRST
    samples = 0
    for kind, content in _children(moov):
        if kind == b"cmov":
            raise UnsupportedMedia("The file's index is compressed (QuickTime `cmov`), which is not supported.")
        if kind == b"mvex":
            layout = Layout.FRAGMENTED
        if kind == b"trak":
            samples += _count_samples(content)
        if samples > _MAX_SAMPLES:
            raise MediaUnreadable("The file's index announces more samples than a recording can have.")
    return layout


def _count_samples(trak: memoryview) -> int:
    media = _descend(trak, b"mdia")
    table = _descend(_descend(media, b"minf"), b"stbl")
    sizes = _descend(table, b"stsz") or _descend(table, b"stz2")
    times = _descend(table, b"stts")
    if len(sizes) < 12:
        return 0
    # Uncompressed sound lists each sample of the waveform, all of duration 1; FFmpeg then indexes chunks instead.
    is_sound = bytes(_descend(media, b"hdlr")[8:12]) == b"soun"
    if is_sound and len(times) == 16 and struct.unpack_from(">I", times, 12)[0] == 1:
        return 0
    return int(struct.unpack_from(">I", sizes, 8)[0])


def _descend(parent: memoryview, kind: bytes) -> memoryview:
    return next((content for found, content in _children(parent) if found == kind), memoryview(b""))


def _children(parent: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(parent)
    position = 0
    for _ in range(_MAX_BOXES):
        box = _parse_header(bytes(view[position : position + _HEADER]), position)
        if box is None:
            return
        end = len(view) if box.end is None else box.end
        yield box.kind, view[box.start : end]
        position = end
    raise _damaged()


def _parse_header(data: bytes, position: int) -> _Box | None:
    """The box header at the front of `data`, which lies at `position`; None if the bytes end within it."""
    if len(data) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", data)
    header = 8
    if size == 1:
        if len(data) < 16:
            return None
        (size,) = struct.unpack_from(">Q", data, 8)
        header = 16
    if size == 0:
        return _Box(kind, position + header, None)
    if size < header:
        raise _damaged()
    return _Box(kind, position + header, position + size)


def _damaged() -> MediaUnreadable:
    return MediaUnreadable("The file's box structure is damaged.")
