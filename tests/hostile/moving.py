"""Video whose times, sizes, codecs and streams are not what they ought to be."""

import struct
from collections.abc import Iterator

from hostile.building import box, cluster, film, matroska, patched, sound_track, video_track, whole
from hostile.items import ANYTHING, OK, Item
from hostile.originals import SIZE, originals, packets
from hostile.structure import parts
from media.clips import element

_LAST = (1 << 63) - 1


def times() -> Iterator[Item]:
    """Negative, equal, huge and backward timestamps."""

    def item(name: str, media: bytes) -> Item:
        return Item("timestamps", name, media, ANYTHING - {"empty_body"})

    shown = packets()
    count = len(shown)
    yield item("all equal", film(shown, [0] * count))
    yield item("backward", film(shown, range(40 * count, 0, -40)))
    yield item("to and fro", film(shown, [1000, 0] * count))
    yield item("far apart", film(shown, range(0, count * 10_000_000, 10_000_000)))
    yield item("one at the end of time", film(shown, [*range(0, 40 * count - 40, 40), _LAST]))
    yield item("all at the end of time", film(shown, range(_LAST - count, _LAST)))
    yield item("beyond the end of time", film(shown, range(2**64 - count, 2**64)))
    yield item("first at the end of time", film(shown, [_LAST, *range(0, 40 * count, 40)]))
    below = b"".join(cluster(0, (1, -32_768 + 40 * number, packet)) for number, packet in enumerate(shown))
    yield item("negative", matroska([video_track()], below))
    for scale in (0, 1, 2**31, _LAST):
        yield item(f"ticks of {scale} ns", film(shown, range(0, 40 * count, 40), scale=scale))
    for seconds in (-1.0, 0.0, 1e300, float("nan"), float("inf")):
        info = element("4489", struct.pack(">d", seconds))
        yield item(f"a duration of {seconds}", matroska([video_track()], cluster(0, (1, 0, shown[0])), info=info))
    yield from _iso_times()
    ts = originals()["mpegts h264 aac"]
    yield item("MPEG-TS: sent twice, so that its clock goes back", ts + ts)
    yield item("MPEG-TS: packets in reverse", b"".join(ts[at : at + 188] for at in range(len(ts) - 188, -1, -188)))
    flv = bytearray(originals()["flv h264 aac"])
    for number, part in enumerate(parts(bytes(flv))[1:]):
        flv[part.start + 4 : part.start + 8] = b"\xff\xff\xff\xff" if number % 3 == 2 else b"\0\0\0\0"
    yield item("FLV: times that jump to the last one", bytes(flv))


def _iso_times() -> Iterator[Item]:
    def item(name: str, media: bytes) -> Item:
        return Item("timestamps", f"MP4: {name}", media, ANYTHING - {"empty_body"})

    good, live = originals()["mp4 index first"], originals()["mp4 fragments"]
    for unit in (0, 1, 0xFFFFFFFF):
        yield item(f"{unit} ticks a second", patched(good, "mdhd", 12, whole(unit, 4)))
        yield item(f"{unit} ticks a second of sound", patched(good, "mdhd", 12, whole(unit, 4), 1))
        yield item(f"{unit} ticks a second of the film", patched(good, "mvhd", 12, whole(unit, 4)))
    for step in (0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        yield item(f"{step} ticks a picture", patched(good, "stts", 12, whole(step, 4)))
    for shift in (0x7FFFFFFF, 0x80000000):
        yield item(f"shown {shift} ticks later", patched(good, "ctts", 12, whole(shift, 4)))
    for start in (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000):
        yield item(f"an edit that begins at {start}", patched(good, "elst", 12, whole(start, 4)))
    yield item("an edit of no length", patched(good, "elst", 8, whole(0, 4)))
    yield item("a film of 2^32 ticks", patched(good, "mvhd", 16, whole(0xFFFFFFFF, 4)))
    for time in (0xFFFFFFFFFFFFFFFF, _LAST):
        yield item(f"a fragment at {time}", patched(live, "tfdt", 4, whole(time), 2))


def rates() -> Iterator[Item]:
    """From no picture a second to ten thousand."""
    fast = packets(count=60) * 20

    def item(name: str, media: bytes, *outcomes: str) -> Item:
        return Item("frame rate", name, media, frozenset(outcomes))

    yield item("10,000 a second", film(fast, range(len(fast)), scale=100_000), "frame_rate_too_high")
    yield item("a million a second", film(fast, range(len(fast)), scale=1000), "frame_rate_too_high")
    yield item("all at one moment", film(fast, [0] * len(fast)), "frame_rate_too_high")
    yield item("one in ten seconds", film(packets(count=3), (0, 10_000, 20_000)), OK)
    for duration in (0, 1, 2**63 - 1):
        track = video_track(extra=element("23E383", whole(duration)))
        yield Item("frame rate", f"{duration} ns announced", film(packets(), range(0, 400, 40), track=track))
    avi = originals()["avi mpeg4 mp3"]
    for rate, scale in ((0, 0), (0, 1), (1, 0), (10_000, 1), (1, 0xFFFFFFFF), (0xFFFFFFFF, 1)):
        media = patched(patched(avi, "strh", 20, struct.pack("<I", scale)), "strh", 24, struct.pack("<I", rate))
        yield Item("frame rate", f"AVI: {rate}/{scale}", media)


def sizes() -> Iterator[Item]:
    """Pictures of one pixel, and of many millions."""
    yield Item("picture size", "1 x 1", film(packets("mpeg4", (16, 16)), range(0, 400, 40), track=_mpeg4((1, 1))))
    tiny = film(packets("libvpx", (1, 1)), range(0, 400, 40), track=video_track(size=(1, 1)))
    yield Item("picture size", "VP8 of 1 x 1", tiny, frozenset({OK}))
    narrow = film(packets("libvpx", (1, 1000)), range(0, 400, 40), track=video_track(size=(1, 1000)))
    yield Item("picture size", "VP8 of 1 x 1000", narrow, frozenset({OK}))
    huge = frozenset({"picture_too_large"})
    wide = film(packets("libvpx", (4000, 3000), 2), (0, 40), track=video_track(size=(0, 0)))
    yield Item("picture size", "VP8 of 4000 x 3000, not announced", wide, huge)
    announced = film(packets(), range(0, 400, 40), track=video_track(size=(16_384, 16_384)))
    yield Item("picture size", "16k x 16k announced", announced)
    first = _vp8_of_16k(packets()[0])
    yield Item("picture size", "16k x 16k in the first picture", film([first, *packets()[1:]], range(0, 400, 40)))
    for size in ((0, 0), (0, 48), (2**31 - 1, 2**31 - 1), (2**32, 1), (65_535, 65_535), (9_437_184, 2)):
        media = film(packets(), range(0, 400, 40), track=video_track(size=size))
        yield Item("picture size", f"{size[0]} x {size[1]} announced", media)
    mp4 = originals()["mp4 index first"]
    big = patched(mp4, "tkhd", 76, struct.pack(">II", 0x7FFF_0000, 0x7FFF_0000))
    yield Item("picture size", "MP4: 32,767 x 32,767 on show", big)
    entry = mp4.index(b"avc1") + 28
    coded = mp4[:entry] + struct.pack(">HH", 0x7FFF, 0x7FFF) + mp4[entry + 4 :]
    yield Item("picture size", "MP4: 32,767 x 32,767 coded", coded)
    for ratio in ((0, 1), (1, 0), (2**31 - 1, 1), (1, 2**31 - 1)):
        at = mp4.index(b"pasp") + 4
        yield Item(
            "picture size",
            f"MP4: pixels of {ratio[0]}:{ratio[1]}",
            mp4[:at] + struct.pack(">II", *ratio) + mp4[at + 8 :],
        )
    avi = originals()["avi mjpeg pcm"]
    yield Item("picture size", "AVI: a picture upside down", patched(avi, "strf", 8, struct.pack("<i", -48)))
    yield Item("picture size", "AVI: 16k x 16k", patched(avi, "strf", 4, struct.pack("<ii", 16_384, 16_384)))


def _mpeg4(size: tuple[int, int]) -> bytes:
    return video_track(codec=b"V_MPEG4/ISO/ASP", size=size)


def _vp8_of_16k(key: bytes) -> bytes:
    """A key frame of VP8 that says it is 16,383 pixels wide and high (RFC 6386, 9.1)."""
    assert key[3:6] == b"\x9d\x01\x2a"
    return key[:6] + struct.pack("<HH", 16_383, 16_383) + key[10:]


def changes() -> Iterator[Item]:
    """Codec, size and track change in mid-stream; no picture is a key frame."""
    shown = packets()

    def item(name: str, media: bytes, outcomes: frozenset[str] = ANYTHING) -> Item:
        return Item("change in mid-stream", name, media, outcomes)

    larger = packets("libvpx", (128, 96))
    yield item("size", film(shown + larger + shown, range(0, 1200, 40)), frozenset({OK}))
    each = [packet for size in range(16, 160, 16) for packet in packets("libvpx", (size, size), 1)]
    yield item("size with each picture", film(each, range(0, 40 * len(each), 40)), frozenset({OK}))
    yield item("to 16k x 16k, which it is not", film([*shown, _vp8_of_16k(shown[0])], range(0, 1200, 40)))
    large = packets("libvpx", (4000, 3000), 1)
    yield item("to 4000 x 3000", film(shown + large, range(0, 1200, 40)), frozenset({"picture_too_large"}))
    for codec in ("libvpx-vp9", "libx264", "mpeg4", "mjpeg"):
        if codec == "mjpeg":
            other: tuple[bytes, ...] = tuple(_jpegs())
        else:
            other = packets(codec)
        yield item(f"VP8, then {codec}", film(shown + other, range(0, 1200, 40)))
    good = originals()
    video = _packets_of(good["mpegts h264 aac"], 256)
    yield item("MPEG-TS: sound where pictures were", good["mpegts h264 aac"] + _renumbered(good["mpegts h264 aac"]))
    yield item("MPEG-TS: pictures without tables", video)
    yield Item("no key frame", "VP8", film(shown[1:] * 3, range(0, 1200, 40)))
    yield Item(
        "no key frame", "VP9", film(packets("libvpx-vp9")[1:], range(0, 400, 40), track=video_track(codec=b"V_VP9"))
    )
    yield Item(
        "no key frame",
        "H.264",
        film(packets("libx264")[1:], range(0, 400, 40), track=video_track(codec=b"V_MPEG4/ISO/AVC")),
    )
    yield Item("no key frame", "MPEG-4", film(packets("mpeg4")[1:], range(0, 400, 40), track=_mpeg4(SIZE)))
    unmarked = b"".join(cluster(40 * at, (1, 0, packet), key=False) for at, packet in enumerate(shown))
    yield Item("no key frame", "VP8, none marked", matroska([video_track()], unmarked), frozenset({OK, *ANYTHING}))


def _jpegs() -> Iterator[bytes]:
    media = originals()["avi mjpeg pcm"]
    for part in parts(media):
        if part.name == "00dc":
            yield media[part.content : part.end]


def _packets_of(stream: bytes, number: int) -> bytes:
    kept = [part for part in parts(stream) if part.name == f"packet {number}"]
    return b"".join(stream[part.start : part.end] for part in kept)


def _renumbered(stream: bytes) -> bytes:
    """A transport stream whose two streams have changed places, under the tables of before."""
    out = bytearray(stream)
    for part in parts(stream):
        if part.name in ("packet 256", "packet 257"):
            out[part.start + 2] ^= 1
    return bytes(out)


def streams() -> Iterator[Item]:
    """A hundred streams, streams without media, media without streams."""

    def item(name: str, media: bytes, outcomes: frozenset[str] = ANYTHING) -> Item:
        return Item("streams", name, media, outcomes)

    shown = packets()
    tracks = [video_track(number) for number in range(1, 101)]
    content = b"".join(
        cluster(40 * at, *((n, 0, packet) for n in range(1, 101))) for at, packet in enumerate(shown[:3])
    )
    yield item("Matroska: 100 videos", matroska(tracks, content))
    sounds = [sound_track(b"A_PCM/FLOAT/IEEE", 48_000, 255, number) for number in range(1, 101)]
    yield item("Matroska: 100 sounds of 255 channels", matroska(sounds, cluster(0, (1, 0, bytes(255 * 4 * 100)))))
    yield item("Matroska: 10 videos with one number", matroska([video_track()] * 10, cluster(0, (1, 0, shown[0]))))
    yield item("Matroska: blocks of tracks that there are not", matroska([video_track()], cluster(0, (9, 0, shown[0]))))
    yield item(
        "Matroska: no track", matroska([], cluster(0, (1, 0, shown[0]))), frozenset({"no_media", "media_unreadable"})
    )
    yield item("Matroska: a track without blocks", matroska([video_track()], b""))
    yield item("Matroska: subtitles alone", matroska([_subtitles()], cluster(0, (1, 0, b"Hello."))))
    for codec in (b"V_UNCOMPRESSED", b"V_REALVIDEO", b"V_THEORA", b"V_PRORES", b"", b"V_" + b"X" * 5000):
        media = matroska([video_track(codec=codec)], cluster(0, (1, 0, bytes(9000))))
        yield item(f"Matroska: codec {codec[:20].decode()}", media)
    mp4 = originals()["mp4 index first"]
    yield item("MP4: 100 tracks", _tracks(mp4, 100))
    for table, at in (("stsz", 8), ("stsc", 4), ("stco", 4), ("stts", 4), ("stss", 4), ("ctts", 4)):
        for number in (0, 0x00FFFFFF, 0xFFFFFFFF):
            yield item(f"MP4: {table} of {number} entries", patched(mp4, table, at, whole(number, 4)))
    yield item("MP4: samples beyond the file", patched(mp4, "stco", 8, whole(0xFFFFFFF0, 4)))
    yield item("MP4: samples within the index", patched(mp4, "stco", 8, whole(8, 4)))
    yield item("MP4: a million samples of a byte", _million(mp4))
    yield item("MP4: a million samples of a byte in 30 tracks", _tracks(_million(mp4), 30))
    yield item("MP4: 10^8 samples like those of sound", patched(_million(mp4, 10**8), "stts", 12, whole(1, 4)))
    run = patched(originals()["mp4 fragments"], "trun", 4, whole(10**8, 4))
    yield item("MP4: a fragment of 10^8 samples", run)
    yield item("MP4: samples of 2 GiB", patched(mp4, "stsz", 4, whole(0x7FFFFFFF, 4)))


def _subtitles() -> bytes:
    return element("AE", element("D7", b"\1") + element("83", b"\x11") + element("86", b"S_TEXT/UTF8"))


def _tracks(mp4: bytes, count: int) -> bytes:
    """A file of two tracks with as many of its first one as make so many."""
    track = next(part for part in parts(mp4) if part.name == "trak")
    index = next(part for part in parts(mp4) if part.name == "moov")
    more = mp4[index.content : index.end] + mp4[track.start : track.end] * (count - 2)
    return mp4[: index.start] + box(b"moov", more) + mp4[index.end :]


def _million(mp4: bytes, count: int = 1_000_000) -> bytes:
    """A file whose index announces a million samples in a few bytes."""
    for table, at, value in (("stsz", 4, 1), ("stsz", 8, count), ("stsc", 12, count), ("stts", 8, count)):
        mp4 = patched(mp4, table, at, whole(value, 4))
    return mp4
