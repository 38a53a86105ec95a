"""Good recordings cut off, with bits flipped, under a wrong name, and joined to others."""

import random
from collections.abc import Iterator

from hostile.items import ANYTHING, DAMAGED, OK, Item
from hostile.originals import originals
from hostile.structure import Part, parts

_FLIPS = 4
_TYPES = ("audio/wav", "video/x-matroska", "video/x-unheard-of", "application/octet-stream")
_NOT_MEDIA = ("image/png", "text/html", "application/json", "application/x-mpegURL", "multipart/mixed")


def truncations() -> Iterator[Item]:
    """Cut off where a part of each name begins, within its header, behind it and within its content."""
    for name, media in originals().items():
        seen: set[str] = set()
        cuts: set[int] = set()
        for part in parts(media):
            if part.name in seen:
                continue
            seen.add(part.name)
            where, cut = _cut(part, len(seen))
            if cut not in cuts and cut < len(media):
                cuts.add(cut)
                outcomes = ANYTHING - {"empty_body"} if cut else frozenset({"empty_body"})
                yield Item("truncation", f"{name} {where} {part.name} at {cut}", media[:cut], outcomes)


def _cut(part: Part, number: int) -> tuple[str, int]:
    """Each part at one of its four places, by turns: all are met in each container."""
    places = (
        ("before", part.start),
        ("in the header of", (part.start + part.content) // 2),
        ("behind the header of", part.content),
        ("in", (part.content + part.end) // 2),
    )
    return places[number % len(places)]


def flips(seed: int) -> Iterator[Item]:
    """One bit, eight bits and 2 % of all bytes changed, and bits of headers alone."""
    for name, media in originals().items():
        chance = random.Random(f"flips {seed} {name}")  # noqa: S311
        found = parts(media)
        for number in range(_FLIPS):
            bad = bytearray(media)
            if number == 0:
                places = [chance.choice(found).start + chance.randrange(4)]
            elif number == 1:
                places = [chance.randrange(len(media)) for _ in range(8)]
            elif number == 2:
                places = [chance.randrange(len(media)) for _ in range(len(media) // 50)]
            else:
                places = [chance.randrange(one.start, max(one.start + 1, one.content)) for one in found[:12]]
            for place in places:
                bad[place % len(bad)] ^= 1 << chance.randrange(8)
            yield Item("bit flips", f"{name} {number}", bytes(bad))


def wrong_types() -> Iterator[Item]:
    """Good recordings called something else, and what is none called one."""
    good = originals()
    for number, (name, media) in enumerate(good.items()):
        kind = _TYPES[number % len(_TYPES)]
        yield Item("wrong type", f"{name} as {kind}", media, frozenset({OK}), kind, "holiday.jpg")
    for kind in _NOT_MEDIA:
        media = good["webm vp8 opus"]
        yield Item("wrong type", f"webm as {kind}", media, frozenset({OK, "unsupported_media"}), kind)
    for name, body in _FOREIGN.items():
        refused = frozenset({"unsupported_media", "empty_body"})
        yield Item("wrong type", f"{name} as video/mp4", body, refused, "video/mp4", "../../etc/passwd.mp4")


_FOREIGN = {
    "nothing": b"",
    "one byte": b"\0",
    "text": b"This is no film.\n" * 50,
    "a program": b"\x7fELF\x02\x01\x01" + bytes(4000),
    "a script": b"#!/bin/sh\nexec cat /etc/passwd\n",
    "HTML": b"<!DOCTYPE html><script>alert(1)</script>",
    "PDF": b"%PDF-1.7\n1 0 obj<<>>endobj\n" * 10,
    "a GIF": b"GIF89a\x01\0\x01\0\0\0\0;",
    "JSON": b'{"type":"session.close"}',
    "zeros": bytes(70_000),
    "ones": b"\xff" * 70_000,
    "a pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
}


def joined() -> Iterator[Item]:
    """One recording after another: codec, size or container changes where the second begins."""
    good = originals()
    pairs = [
        ("webm live", "webm live"),
        ("webm live", "webm vp9"),
        ("webm live", "matroska h264 aac"),
        ("mp4 fragments", "mp4 fragments"),
        ("mp4 fragments", "webm live"),
        ("mp4 index first", "mp4 index last"),
        ("mpegts h264 aac", "mpegts h264 aac"),
        ("flv h264 aac", "flv h264 aac"),
        ("ogg opus", "ogg vorbis"),
        ("ogg vorbis", "ogg opus"),
        ("mp3", "adts aac"),
        ("adts aac", "mp3"),
        ("flac", "flac"),
        ("wav pcm", "mp3"),
    ]
    for first, second in pairs:
        yield Item("joined", f"{first}, {second}", good[first] + good[second], ANYTHING - {"empty_body"})
        yield Item("joined", f"{second} in {first}", good[first][:-40] + good[second] + good[first][-40:])
    for name, media in good.items():
        noise = random.Random(name).randbytes(5000)  # noqa: S311
        yield Item("joined", f"noise behind {name}", media + noise)
        yield Item("joined", f"noise before {name}", noise[:300] + media, DAMAGED | {"unsupported_media", OK})


def garbled() -> Iterator[Item]:
    """The magic bytes of each container and then noise; bare noise with syncs of frames in it."""
    for name, media in originals().items():
        noise = random.Random(f"garbled {name}").randbytes(20_000)  # noqa: S311
        yield Item("garbage", f"after the first bytes of {name}", media[:48] + noise)
    for sync, name in ((b"\xff\xf1", "ADTS"), (b"\xff\xfb\x90", "MP3"), (b"\0\0\1\x65", "H.264"), (b"\x47", "MPEG-TS")):
        chance = random.Random(f"garbled {name}")  # noqa: S311
        noise = b"".join(sync + chance.randbytes(188 - len(sync)) for _ in range(100))
        yield Item("garbage", f"syncs of {name}", noise)
    adts = originals()["adts aac"]
    cut = next(one for one in parts(adts) if one.start > 200)
    broken = adts[: cut.content] + bytes(200) + adts[cut.content :]
    yield Item("garbage", "zeros in an ADTS frame", broken)
    ogg = bytearray(originals()["ogg opus"])
    for page in parts(bytes(ogg)):
        ogg[page.start + 22] ^= 0xFF
    yield Item("garbage", "wrong checksums in Ogg", bytes(ogg))
    flac = bytearray(originals()["flac"])
    flac[-2:] = bytes((flac[-2] ^ 0xFF, flac[-1] ^ 0xFF))
    yield Item("garbage", "a wrong checksum in FLAC", bytes(flac))
