"""Archives and compressed bodies that grow without end, and text that would have a reader fetch something."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

from hostile.building import box, cluster, matroska, video_track
from hostile.items import ANYTHING, Item
from hostile.originals import originals, packets
from hostile.structure import parts
from media.clips import element

_REFUSED = frozenset({"unsupported_media"})


def bombs() -> Iterator[Item]:
    """Compressed bodies, as they are and under `Content-Encoding`."""
    zeros = gzip.compress(bytes(50_000_000), 9, mtime=0)
    film = gzip.compress(originals()["webm vp8 opus"], 9, mtime=0)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for number in range(5):
            file.writestr(zipfile.ZipInfo(f"../../bomb{number}.mp4"), bytes(10_000_000), zipfile.ZIP_DEFLATED)
    bodies = {
        "gzip of 50 MB of zeros": zeros,
        "gzip of a gzip": gzip.compress(zeros, 9, mtime=0),
        "gzip of a film": film,
        "gzip cut off": film[: len(film) // 2],
        "zip of 50 MB of zeros": archive.getvalue(),
        "zlib of zeros": zlib.compress(bytes(10_000_000), 9),
        "xz signature": b"\xfd7zXZ\0" + bytes(100),
        "bzip2 signature": b"BZh91AY&SY" + bytes(100),
        "zstd signature": b"\x28\xb5\x2f\xfd" + bytes(100),
    }
    for name, body in bodies.items():
        yield Item("compressed body", name, body, _REFUSED)
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "x" * 500):
        outcomes = _REFUSED | {"invalid_request"} | ({"ok"} if coding == "identity" else set())
        body = originals()["webm vp8 opus"] if coding == "identity" else film
        yield Item(
            "compressed body",
            f"Content-Encoding: {coding[:20]}",
            body,
            outcomes,
            headers=(("Content-Encoding", coding),),
        )


def references(address: str = "http://127.0.0.1:9/canary") -> Iterator[Item]:
    """Playlists and recordings that refer to `address`, to files and to programs. Nothing may be fetched or opened."""
    text = {
        "HLS": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}.ts\n#EXT-X-ENDLIST\n",
        "HLS of a file": "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "HLS with a key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{address}.key"\n#EXTINF:1,\n{address}.ts\n',
        "HLS of playlists": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{address}.m3u8\n",
        "DASH": f'<?xml version="1.0"?><MPD><Period><BaseURL>{address}</BaseURL></Period></MPD>',
        "DASH with an entity": f'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY x SYSTEM "{address}">]><MPD>&x;</MPD>',
        "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "concat": f"ffconcat version 1.0\nfile '{address}'\nfile '/etc/passwd'\n",
        "concat without a signature": f"file '{address}'\n",
        "PLS": f"[playlist]\nFile1={address}\nNumberOfEntries=1\n",
        "XSPF": f"<playlist><trackList><track><location>{address}</location></track></trackList></playlist>",
        "ASX": f'<asx version="3.0"><entry><ref href="{address}"/></entry></asx>',
        "SMIL": f'<smil><body><video src="{address}"/></body></smil>',
        "RealMedia": f"{address}\n",
        "AviSynth": f'FFVideoSource("{address}")\n',
        "Smooth Streaming": f'<SmoothStreamingMedia><StreamIndex Url="{address}"/></SmoothStreamingMedia>',
        "images": "%03d.png\n",
        "SubRip": f'1\n00:00:00,000 --> 00:00:01,000\n<img src="{address}">\n',
        "WebVTT": f"WEBVTT\n\nSTYLE\n::cue {{ background: url({address}) }}\n",
        "ASS": f"[Script Info]\nScriptType: v4.00+\nVideo File: {address}\n",
        "SVG": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{address}"/></svg>',
        "QuickTime text": f'<?quicktime type="application/x-quicktime-media-link"?><embed src="{address}"/>',
        "protocol of FFmpeg": f"concat:{address}|file:/etc/passwd",
        "data address": "data:video/mp4;base64,AAAA",
    }
    for name, content in text.items():
        yield Item("reference", name, content.encode(), _REFUSED, filename="list.m3u8")
        yield Item("reference", f"{name} behind the start of an MP4", box(b"ftyp", b"isom\0\0\0\0") + content.encode())
    yield from _linked(address)


def _linked(address: str) -> Iterator[Item]:
    def item(name: str, media: bytes) -> Item:
        return Item("reference", name, media, ANYTHING - {"empty_body"})

    mp4 = originals()["mp4 index first"]
    for name, link in (("address", address), ("file", "/etc/passwd"), ("file address", "file:///etc/passwd")):
        yield item(f"MOV whose media lie elsewhere: {name}", _elsewhere(mp4, b"url ", link.encode() + b"\0"))
        alias = b"\0\0\0\0" + bytes(6) + struct.pack(">H", 2) + bytes(150) + link.encode()
        yield item(f"MOV whose media lie behind an alias: {name}", _elsewhere(mp4, b"alis", alias))
    rmra = box(
        b"rmra", box(b"rmda", box(b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(address)) + address.encode()))
    )
    yield item("MOV that is a list of films", box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", rmra))
    film = cluster(0, (1, 0, packets()[0]))
    names = element("3C83AB", address.encode()) + element("3E83BB", address.encode())
    info = element("3CB923", bytes(16)) + element("3EB923", bytes(16)) + names
    yield item("Matroska that goes on elsewhere", matroska([video_track()], film, info=info))
    chapter = element("B6", element("6E67", bytes(16)) + element("91", b"\0"))
    edition = element("1043A770", element("45B9", element("45DD", b"\1") + chapter))
    yield item("Matroska with chapters of another film", matroska([video_track()], film, info=info, more=edition))


def _elsewhere(mp4: bytes, kind: bytes, content: bytes) -> bytes:
    """An MP4 whose first track says that its samples are in another file. Its index comes first, and grows."""
    entry = struct.pack(">I4sI", 12 + len(content), kind, 0) + content
    reference = box(b"dref", struct.pack(">II", 0, 1) + entry)
    found = [part for part in parts(mp4) if part.start < _end_of_first_track(mp4)]
    old = next(part for part in found if part.name == "dref")
    out = bytearray(mp4[: old.start] + reference + mp4[old.end :])
    grown = len(reference) - (old.end - old.start)
    for part in found:
        if part.start < old.start and old.end <= part.end:
            struct.pack_into(">I", out, part.start, part.end - part.start + grown)
    return bytes(out)


def _end_of_first_track(mp4: bytes) -> int:
    return next(part.end for part in parts(mp4) if part.name == "trak")
