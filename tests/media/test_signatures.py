import struct
import wave
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes, Clip, read_all, write_clip
from PIL import Image

from service.errors import EmptyBody, UnsupportedMedia
from service.media.signatures import detect_format
from service.media.source import MediaSource


def detect(data: bytes) -> str:
    return detect_format(MediaSource(Bytes(data, (100,)), 1 << 30))


def id3(size: int) -> bytes:
    """An ID3v2 tag with `size` bytes of content, as cover art would be."""
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\xff" * size


def test_tags_without_end_are_not_read_over() -> None:
    source = Bytes(id3(0) * 100_000)
    with pytest.raises(UnsupportedMedia):
        detect_format(MediaSource(source, 1 << 30))
    assert source.position < 100_000


@pytest.mark.parametrize(
    "text",
    [
        b"This is no recording.\n" * 1000,
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b'<?xml version="1.0"?><MPD></MPD>',
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 1234 RTP/AVP 96\r\n",
        b";FFMETADATA1\n",
        b"%PDF-1.7",
        b"\x7fELF" + bytes(1000),
        b"PK\x03\x04" + bytes(1000),
        b"\0" * 5000,
        b"x",
    ],
)
def test_what_is_no_recording_is_refused_and_told_what_is_accepted(text: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match="MP4"):
        read_all(text)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_still_picture_is_refused(kind: str) -> None:
    file = BytesIO()
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(file, kind)
    with pytest.raises(UnsupportedMedia):
        read_all(file.getvalue())


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_still_picture_in_an_iso_container_is_refused(brand: bytes) -> None:
    with pytest.raises(UnsupportedMedia, match="still picture"):
        read_all(struct.pack(">I4s4sI", 16, b"ftyp", brand, 0) + struct.pack(">I4s", 1000, b"mdat") + bytes(992))


def test_mp3_and_adts_are_recognised_behind_tags_larger_than_any_probe() -> None:
    for container, codec, name in (("mp3", "libmp3lame", "mp3"), ("adts", "aac", "aac")):
        plain = write_clip(Clip(container, None, codec))
        tagged = id3(3_000_000) + id3(70_000) + plain
        assert detect(tagged) == name
        assert np.array_equal(read_all(tagged).samples, read_all(plain).samples)


def test_mp3_is_recognised_behind_padding() -> None:
    assert detect(bytes(1500) + write_clip(Clip("mp3", None, "libmp3lame"))) == "mp3"


@pytest.mark.parametrize("rate", [44_100, 48_000, 32_000, 22_050, 16_000, 8_000])
def test_mp3_is_recognised_at_every_sample_rate(rate: int) -> None:
    assert detect(write_clip(Clip("mp3", None, "libmp3lame", sample_rate=rate, muxer={"id3v2_version": "0"}))) == "mp3"


def test_wav_written_by_another_library_is_read() -> None:
    file = BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(16_000)
        output.writeframes(np.arange(1600, dtype="<i2").tobytes())
    recording = read_all(file.getvalue())
    assert np.array_equal(recording.samples, np.arange(1600, dtype=np.float32) / 32768)


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_arbitrary_bytes_give_a_format_or_a_documented_error(data: bytes) -> None:
    with suppress(UnsupportedMedia, EmptyBody):
        assert detect(data) in {"mov", "matroska", "avi", "wav", "flv", "ogg", "flac", "mpegts", "aac", "mp3"}
