"""Containers built piece by piece, with whatever no writer would put into them."""

import struct
from collections.abc import Iterable, Sequence

from hostile.structure import parts
from media.clips import element

UNKNOWN = b"\x01" + b"\xff" * 7
"""The size of an EBML element whose end nobody knows."""


def whole(value: int, width: int = 8) -> bytes:
    """An unsigned number as EBML holds it."""
    return value.to_bytes(width, "big")


def video_track(
    number: int = 1, codec: bytes = b"V_VP8", size: tuple[int, int] = (64, 48), extra: bytes = b""
) -> bytes:
    """A TrackEntry of Matroska."""
    pixels = element("B0", whole(size[0])) + element("BA", whole(size[1]))
    head = element("D7", whole(number)) + element("73C5", whole(number)) + element("83", b"\x01")
    return element("AE", head + element("86", codec) + element("E0", pixels) + extra)


def sound_track(codec: bytes, rate: float, channels: int, number: int = 1, bits: int = 32, extra: bytes = b"") -> bytes:
    """A TrackEntry of Matroska."""
    form = element("B5", struct.pack(">d", rate)) + element("9F", whole(channels)) + element("6264", whole(bits))
    head = element("D7", whole(number)) + element("73C5", whole(number)) + element("83", b"\x02")
    return element("AE", head + element("86", codec) + element("E1", form) + extra)


def cluster(time: int, *blocks: tuple[int, int, bytes], key: bool = True) -> bytes:
    """A cluster at some tick, with blocks of track, ticks after the cluster (16 bits with a sign) and content."""
    flags = b"\x80" if key else b"\0"
    content = b"".join(
        element("A3", bytes([0x80 | track]) + struct.pack(">h", after) + flags + data) for track, after, data in blocks
    )
    return element("1F43B675", element("E7", whole(time)) + content)


def matroska(
    tracks: Iterable[bytes], content: bytes, *, scale: int = 1_000_000, info: bytes = b"", more: bytes = b""
) -> bytes:
    """A recording whose tick is `scale` nanoseconds, with `more` between its tracks and its content."""
    return (
        element("1A45DFA3", element("4282", b"matroska"))
        + bytes.fromhex("18538067")
        + UNKNOWN
        + element("1549A966", element("2AD7B1", whole(scale)) + info)
        + element("1654AE6B", b"".join(tracks))
        + more
        + content
    )


def film(
    packets: Sequence[bytes], times: Iterable[int], *, scale: int = 1_000_000, track: bytes | None = None
) -> bytes:
    """A Matroska video, each packet in a cluster of its own at so many ticks."""
    content = b"".join(cluster(time, (1, 0, data)) for time, data in zip(times, packets, strict=False))
    return matroska([track or video_track()], content, scale=scale)


def box(kind: bytes, content: bytes = b"") -> bytes:
    """A box of an ISO file."""
    return struct.pack(">I4s", 8 + len(content), kind) + content


def patched(media: bytes, part: str, offset: int, value: bytes, which: int = 0) -> bytes:
    """A recording with other bytes at some offset into the content of a part, the first of its name or a later one."""
    found = [one for one in parts(media) if one.name == part][which]
    start = found.content + offset
    assert start + len(value) <= found.end, f"{part} is shorter than that"
    return media[:start] + value + media[start + len(value) :]


def wave(form: bytes, samples: bytes) -> bytes:
    """A WAV file with this `fmt ` chunk."""
    content = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(content)) + content


def wave_form(tag: int, channels: int, rate: int, bits: int) -> bytes:
    """The content of a `fmt ` chunk."""
    align = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * align & 0xFFFFFFFF, align & 0xFFFF, bits)
