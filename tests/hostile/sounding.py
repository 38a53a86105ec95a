"""Sound of rates, channels and numbers that nobody records."""

import struct
from collections.abc import Iterator

import numpy as np
from hostile.building import cluster, matroska, sound_track, wave, wave_form
from hostile.items import ANYTHING, OK, Item
from hostile.originals import originals
from media.clips import Clip, write_clip

_PCM, _FLOAT = 1, 3


def sounds() -> Iterator[Item]:
    """All of it."""
    yield from _waves()
    yield from _changes()
    yield from _floats()


def _item(name: str, media: bytes, outcomes: frozenset[str] = ANYTHING) -> Item:
    return Item("sound", name, media, outcomes)


def _waves() -> Iterator[Item]:
    good, bad = frozenset({OK}), ANYTHING - {OK, "empty_body"}
    samples = np.random.default_rng(0).integers(-3000, 3000, 38_400, np.int16).tobytes()
    yield _item("192 kHz", wave(wave_form(_PCM, 1, 192_000, 16), samples), good)
    yield _item("8 channels", wave(wave_form(_PCM, 8, 48_000, 16), samples), good)
    yield _item("192 kHz of 8 channels", wave(wave_form(_PCM, 8, 192_000, 16), samples), good)
    for rate in (0, 1, 100, 3999, 384_001, 2**31 - 1, 2**32 - 1):
        yield _item(f"{rate} Hz", wave(wave_form(_PCM, 1, rate, 16), samples), bad)
    for channels in (0, 64, 255, 256, 65_535):
        yield _item(f"{channels} channels", wave(wave_form(_PCM, channels, 16_000, 16), samples * 4))
    for bits in (0, 1, 7, 64, 65_535):
        yield _item(f"{bits} bits", wave(wave_form(_PCM, 1, 16_000, bits), samples))
    for tag in (0, 2, 0x11, 0x31, 0x55, 0xFFFE, 0xFFFF):
        yield _item(f"format {tag:#x}", wave(wave_form(tag, 1, 16_000, 16), samples))
    yield _item("no sample", wave(wave_form(_PCM, 1, 16_000, 16), b""), bad)
    yield _item("half a sample", wave(wave_form(_PCM, 1, 16_000, 16), b"\1"))
    yield _item("no format", b"RIFF\x20\0\0\0WAVEdata\x10\0\0\0" + bytes(16), bad)
    frame = bytes((0xFF, 0xFB, 0x14, 0xC4)) + bytes(48)
    yield _item("MP3 of 32 kbit/s that is all zeros", frame * 200)


def _floats() -> Iterator[Item]:
    count = 16_000
    for name, value in (
        ("not a number", float("nan")),
        ("infinite", float("inf")),
        ("minus infinite", -float("inf")),
        ("1e38", 1e38),
        ("almost nothing", 1e-45),
    ):
        samples = np.full(count, value, "<f4").tobytes()
        yield _item(f"samples: {name}", wave(wave_form(_FLOAT, 1, 16_000, 32), samples), frozenset({OK}))
        mixed = np.random.default_rng(1).normal(0, 0.1, count).astype("<f4")
        mixed[::7] = value
        yield _item(
            f"samples: now and then {name}", wave(wave_form(_FLOAT, 1, 16_000, 32), mixed.tobytes()), frozenset({OK})
        )
    wide = np.full(count, 1e308, "<f8").tobytes()
    yield _item("samples of 64 bits: 1e308", wave(wave_form(_FLOAT, 1, 16_000, 64), wide), frozenset({OK}))
    for rate in (float("nan"), float("inf"), -48_000.0, 0.0, 1e300):
        media = matroska([sound_track(b"A_PCM/FLOAT/IEEE", rate, 1)], cluster(0, (1, 0, bytes(6400))))
        yield _item(f"Matroska: {rate} Hz", media)


def _changes() -> Iterator[Item]:
    """Rate and channels change where one part goes over into the next."""

    def adts(rate: int, layout: str) -> bytes:
        clip = Clip("adts", None, "aac", 0.2, sample_rate=rate, layout=layout, muxer={"fflags": "+bitexact"})
        return write_clip(clip)

    def mp3(rate: int, layout: str) -> bytes:
        muxer = {"fflags": "+bitexact", "write_xing": "0", "id3v2_version": "0"}
        return write_clip(Clip("mp3", None, "libmp3lame", 0.2, sample_rate=rate, layout=layout, muxer=muxer))

    forms = ((48_000, "mono"), (44_100, "stereo"), (16_000, "mono"))
    good = frozenset({OK})
    yield _item("ADTS whose rate and channels change", b"".join(adts(*form) for form in forms), good)
    yield _item("MP3 whose rate and channels change", b"".join(mp3(*form) for form in forms), good)
    opus = originals()["ogg opus"]
    head = opus.index(b"OpusHead")
    for name, at, value in (
        ("0 channels", 9, b"\0"),
        ("255 channels", 9, b"\xff"),
        ("a lead-in of 65,535 samples", 10, b"\xff\xff"),
        ("the loudest gain", 16, struct.pack("<h", 32_767)),
        ("another family of channels", 18, b"\xff"),
    ):
        media = opus[: head + at] + value + opus[head + at + len(value) :]
        yield _item(f"Opus: {name}", media)
