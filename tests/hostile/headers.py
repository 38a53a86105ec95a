"""Headers that never end, nest without end, or hold much of what nobody asked for."""

import struct
from collections.abc import Iterator

from hostile.building import UNKNOWN, box, cluster, matroska, patched, video_track, whole
from hostile.items import ANYTHING, Item
from hostile.originals import originals, packets
from hostile.structure import parts
from media.clips import element

_MANY = 100_000
_DEEP = 10_000


def endless() -> Iterator[Item]:
    """Headers of any length before, or instead of, media."""
    yield from _endless_matroska()
    yield from _endless_boxes()
    yield from _endless_others()


def _endless_matroska() -> Iterator[Item]:
    def item(name: str, media: bytes) -> Item:
        return Item("endless header", f"Matroska: {name}", media, ANYTHING - {"empty_body"})

    film = cluster(0, (1, 0, packets()[0]))
    yield item("empty voids before the clusters", matroska([video_track()], film, more=b"\xec\x80" * _MANY))
    yield item("empty voids behind the clusters", matroska([video_track()], film + b"\xec\x80" * _MANY))
    yield item("a void of 2^56 bytes", matroska([video_track()], film, more=b"\xec\x01\xff\xff\xff\xff\xff\xff\xfe"))
    yield item("nothing but voids", originals()["webm live"][:40] + b"\xec\x80" * _MANY)
    yield item("empty clusters", matroska([video_track()], (b"\x1f\x43\xb6\x75\x80" * _MANY)[: 5 * _MANY // 2] + film))
    yield item("clusters of unknown size in each other", matroska([video_track()], b"\x1f\x43\xb6\x75\xff" * _DEEP))
    yield item("segments in each other", originals()["webm live"][:40] + b"\x18\x53\x80\x67\xff" * _DEEP)
    yield item("elements with empty sizes", matroska([video_track()], film, more=b"\xec\xff" * 1000))
    yield item("a header of unknown size", b"\x1a\x45\xdf\xa3" + UNKNOWN + bytes(5000))
    yield item("identifiers of five bytes", originals()["webm live"][:60] + b"\x08\x11\x22\x33\x44\x81\0" * 1000)


def _endless_boxes() -> Iterator[Item]:
    def item(name: str, media: bytes) -> Item:
        return Item("endless header", f"MP4: {name}", media, ANYTHING - {"empty_body"})

    good, late = originals()["mp4 index first"], originals()["mp4 index last"]
    kind, rest = good[:32], good[32:]
    yield item("empty boxes before the index", kind + box(b"free") * _MANY + rest)
    yield item("empty boxes before the media", late[:32] + box(b"wide") * (_MANY // 5) + late[32:])
    yield item("empty boxes behind the media", late + box(b"free") * _MANY)
    yield item("nothing but empty boxes", kind + box(b"free") * _MANY)
    yield item("empty boxes between media and index", _between(late, box(b"free") * _MANY))
    yield item("empty tracks", kind + box(b"moov", box(b"trak") * _MANY) + rest)
    yield item("empty boxes in the index", kind + box(b"moov", box(b"free") * _MANY) + rest)
    tables = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"free") * _MANY))))
    yield item("empty boxes in a table", kind + box(b"moov", tables) + rest)
    yield item("an index that announces 2^31 bytes", kind + struct.pack(">I4s", 1 << 31, b"moov") + bytes(4000))
    yield item("an index of 2^63 bytes", kind + struct.pack(">I4sQ", 1, b"moov", 1 << 63) + bytes(4000))
    yield item("fragments without samples", originals()["mp4 fragments"] + box(b"moof", box(b"traf")) * 5000)
    yield item("brands without end", box(b"ftyp", b"isom\0\0\0\0" + b"mp42" * _MANY) + rest)


def _between(late: bytes, more: bytes) -> bytes:
    index = next(part for part in parts(late) if part.name == "moov")
    return late[: index.start] + more + late[index.start :]


def _endless_others() -> Iterator[Item]:
    def item(name: str, media: bytes) -> Item:
        return Item("endless header", name, media, ANYTHING - {"empty_body"})

    good = originals()
    yield item("ID3: many empty tags", b"ID3\4\0\0\0\0\0\0" * _MANY + good["mp3"])
    yield item("ID3: a tag of 256 MiB", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(20_000))
    yield item("ID3: a tag with its length damaged", b"ID3\4\0\0\xff\xff\xff\xff" + good["mp3"])
    yield item("ID3: tags that are all there is", b"ID3\4\0\0\0\0\0\0" * 1000)
    page = good["ogg opus"][: parts(good["ogg opus"])[0].end]
    serials = [page[:14] + number.to_bytes(4, "little") + page[18:] for number in range(2000)]
    yield item("Ogg: 2000 streams that begin", b"".join(serials))
    yield item("Ogg: empty pages", page + (b"OggS\0\0" + bytes(8) + page[14:18] + bytes(9)) * 20_000)
    packet = page[:5] + b"\x01" + page[6:26] + b"\xff" + b"\xff" * 255 + bytes(255 * 255)
    yield item("Ogg: a packet that goes on and on", page + packet * 30)
    blocks = b"fLaC" + good["flac"][4:42] + b"\x01\0\0\0" * _MANY
    yield item("FLAC: empty blocks of padding", blocks)
    yield item("FLAC: a picture of 16 MiB", b"fLaC" + good["flac"][4:42] + b"\x06\xff\xff\xff" + bytes(5000))
    yield item("WAV: empty chunks", good["wav pcm"][:12] + b"JUNK\0\0\0\0" * _MANY + good["wav pcm"][12:])
    yield item("WAV: a chunk of 4 GiB", good["wav pcm"][:12] + b"JUNK\xff\xff\xff\xff" + good["wav pcm"][12:])
    yield item("AVI: lists in each other", good["avi mpeg4 mp3"][:12] + b"LIST\xff\xff\xff\x7fhdrl" * _DEEP)
    yield item("AVI: empty chunks", good["avi mpeg4 mp3"] + b"JUNK\0\0\0\0" * _MANY)
    yield item("FLV: empty tags", good["flv h264 aac"][:13] + (b"\x12" + bytes(14)) * 50_000)
    yield item("FLV: a script that nests", good["flv h264 aac"][:13] + _script(_nested()))
    tables = good["mpegts h264 aac"][:188]
    yield item("MPEG-TS: nothing but tables", tables * 5000)
    yield item("MPEG-TS: nothing but empty packets", (b"\x47\x1f\xff\x10" + bytes(184)) * 5000)


def _script(content: bytes) -> bytes:
    return b"\x12" + len(content).to_bytes(3, "big") + bytes(7) + content + (11 + len(content)).to_bytes(4, "big")


def _nested() -> bytes:
    """Objects in objects, as deep as a tag of FLV has room for."""
    return b"\x02\0\x0aonMetaData" + b"\x08\0\0\0\1\0\1a" * _DEEP


def deep() -> Iterator[Item]:
    """Structures that nest, or refer to themselves."""

    def item(name: str, media: bytes) -> Item:
        return Item("deep structure", name, media, ANYTHING - {"empty_body"})

    good = originals()
    kind, rest = good["mp4 index first"][:32], good["mp4 index first"][32:]
    for name in ("moov", "trak", "udta", "meta", "edts", "moof", "wave", "ilst"):
        nest = _in_itself(name.encode())
        yield item(f"MP4: {name} in itself", kind + nest + rest)
        yield item(f"MP4: {name} in itself in the index", kind + box(b"moov", nest) + rest)
    film = cluster(0, (1, 0, packets()[0]))
    for name, outer, inner in (
        ("tags", "1254C367 7373", "67C8"),
        ("chapters", "1043A770 45B9", "B6"),
        ("targets", "1254C367 7373", "63C0"),
    ):
        content = b""
        for _ in range(500):
            content = element(inner, content)
        for one in reversed(outer.split()):
            content = element(one, content)
        yield item(f"Matroska: {name} in each other", matroska([video_track()], film, more=content))
    track = video_track(extra=element("6D80", element("6240", element("5034", b"")) * 200))
    yield item("Matroska: 200 encodings of a track", matroska([track], film))
    bomb = element("6D80", element("6240", element("5031", b"\0") + element("5034", element("4254", b"\0"))))
    yield item("Matroska: compressed blocks that are none", matroska([video_track(extra=bomb)], film))
    head = element("114D9B74", element("4DBB", element("53AB", bytes.fromhex("114D9B74")) + element("53AC", b"\0")))
    yield item("Matroska: an index that names itself", matroska([video_track()], film, more=head * 50))
    cues = element("1C53BB6B", element("BB", element("B3", b"\0") + element("B7", element("F1", b"\0"))) * 5000)
    yield item("Matroska: 5000 cues to the beginning", matroska([video_track()], film, more=cues))


def _in_itself(kind: bytes) -> bytes:
    depth = 2000
    return b"".join(struct.pack(">I4s", 8 * (depth - level), kind) for level in range(depth))


def metadata() -> Iterator[Item]:
    """Tags, chapters and attachments of a size, number or spelling that nobody writes."""

    def item(name: str, media: bytes) -> Item:
        return Item("metadata", name, media, ANYTHING - {"empty_body"})

    film = cluster(0, *((1, 40 * number, packet) for number, packet in enumerate(packets())))

    def tagged(more: bytes) -> bytes:
        return matroska([video_track()], film, more=more)

    tag = element("67C8", element("45A3", b"TITLE") + element("4487", b"x" * 100))
    yield item("Matroska: 20,000 tags", tagged(element("1254C367", element("7373", tag * 20_000))))
    long = element("67C8", element("45A3", b"A" * 500_000) + element("4487", b"\xff\xfe\0" * 200_000))
    yield item("Matroska: a tag of 1 MiB that is no text", tagged(element("1254C367", element("7373", long))))
    atom = element("B6", element("73C4", whole(1)) + element("91", whole(0)) + element("80", element("85", b"c")))
    yield item("Matroska: 20,000 chapters", tagged(element("1043A770", element("45B9", atom * 20_000))))
    file = (
        element("466E", b"../../../tmp/evil.sh") + element("4660", b"text/x-sh") + element("465C", b"#!/bin/sh\n" * 9)
    )
    attached = element("61A7", file + element("46AE", whole(7)))
    yield item("Matroska: an attachment with a path", tagged(element("1941A469", attached)))
    yield item("Matroska: 1000 attachments", tagged(element("1941A469", attached * 1000)))
    text = b"\0\x1b[31m\r\nX-Evil: yes\r\n%s%n{}\xe2\x80\xa8\xff"
    note = element("67C8", element("45A3", text) + element("4487", text))
    yield item("Matroska: a tag with control characters", tagged(element("1254C367", element("7373", note))))
    mp4 = originals()["mp4 index first"]
    yield item("MP4: a user box of 1 MiB", mp4 + box(b"udta", box(b"\xa9nam", b"n" * (1 << 20))))
    frame = b"TIT2" + bytes((0, 0x3F, 0x7F, 0x7F)) + b"\0\0\3" + b"t" * 1000
    yield item("ID3: a frame longer than its tag", b"ID3\4\0\0\0\0\x08\0" + frame + bytes(14) + originals()["mp3"])
    comments = b"vorbis" + struct.pack("<II", 0, 0xFFFFFFFF) + bytes(200)
    ogg = originals()["ogg vorbis"]
    second = parts(ogg)[1]
    yield item("Ogg: 4 billion comments", ogg[: second.content] + b"\x03" + comments + ogg[second.content :])
    flac = originals()["flac"]
    block = struct.pack("<I", 0xFFFFFFF0) + bytes(60)
    yield item("FLAC: a comment longer than its block", flac[:42] + b"\4" + len(block).to_bytes(3, "big") + block)
    yield item("AVI: an index of 2^32 entries", _avi_index())


def _avi_index() -> bytes:
    avi = originals()["avi mpeg4 mp3"]
    names = {part.name for part in parts(avi)}
    assert "idx1" in names
    return patched(avi, "idx1", -4, b"\xff\xff\xff\xff")
