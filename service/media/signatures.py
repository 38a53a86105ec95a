"""Which container the first bytes belong to.

FFmpeg knows some 300 input formats, among them playlists and image sequences that open other files. Only the formats
below are ever handed to it, each by name, so that none of its other demuxers meets the bytes of a caller.
"""

from service.errors import EmptyBody, UnsupportedMedia
from service.media.source import MediaSource

ACCEPTED = (
    "Accepted are MP4, MOV, Matroska, WebM, AVI, FLV and MPEG-TS with H.264, HEVC, VP8, VP9, AV1, MPEG-4 or MJPEG "
    "video, and WAV, FLAC, Ogg, M4A, MP3 and AAC (ADTS) sound."
)

_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid")
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_STILL_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0")
_TS_PACKET = 188
_M2TS_PACKET = 192
_ID3_HEADER = 10
_FRAME_SEARCH = 4096
"""Bytes of padding or junk that may precede the first MP3 or ADTS frame."""
_LONGEST_FRAME = 8192
_MAX_TAGS = 16
"""ID3v2 tags before the first frame; one, or two where a second program wrote its own."""


def detect_format(source: MediaSource) -> str:
    """FFmpeg's name of the input format of `source`; a leading ID3v2 tag is dropped from the source.

    Raises `EmptyBody` without a byte, `UnsupportedMedia` for every other format, and what stopped the source.
    """
    _drop_id3(source)
    head = source.peek(16)
    source.check()
    if not source.received:
        raise EmptyBody("No byte of media arrived.")
    if (head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS) or head.startswith(_STILL_PICTURES):
        raise UnsupportedMedia(f"The file is a still picture. {ACCEPTED}")
    name = _by_magic(head) or _by_frames(source)
    source.check()
    if name is None:
        raise UnsupportedMedia(f"The file is in no known container. {ACCEPTED}")
    return name


def _by_magic(head: bytes) -> str | None:
    if head[4:8] in _ISO_BOXES:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "wav"
    for magic, name in ((b"FLV\x01", "flv"), (b"OggS", "ogg"), (b"fLaC", "flac")):
        if head.startswith(magic):
            return name
    return None


def _by_frames(source: MediaSource) -> str | None:
    """Formats without a magic number, by frames that follow each other."""
    for offset, size in ((0, _TS_PACKET), (4, _M2TS_PACKET)):
        if source.peek(offset + 1)[offset:] == b"\x47":
            sync = source.peek(offset + 2 * size + 1)[offset::size]
            if sync == b"\x47\x47\x47":
                return "mpegts"
    data = source.peek(_FRAME_SEARCH + _LONGEST_FRAME + 7)
    for start in range(min(_FRAME_SEARCH, len(data))):
        if data[start] != 0xFF:
            continue
        for name, frame_size in (("aac", _adts_size), ("mp3", _mp3_size)):
            size = frame_size(data[start : start + 7])
            if size and frame_size(data[start + size : start + size + 7]):
                return name
    return None


def _adts_size(header: bytes) -> int:
    """Bytes of the ADTS frame that starts with these seven (ISO/IEC 13818-7, 6.2); 0 if none does."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 0xF > 12:
        return 0
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else 0


def _mp3_size(header: bytes) -> int:
    """Bytes of the MPEG layer III frame that starts with these four (ISO/IEC 11172-3, 2.4.1.3); 0 if none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, bit_rate, rate, padding = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or bit_rate in (0, 15) or rate == 3:
        return 0
    first = version == 3  # MPEG-1; the others are MPEG-2 and 2.5 at half and a quarter of its sample rates
    kbits = (
        (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
        if first
        else (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    )[bit_rate - 1]
    sample_rate = (44100, 48000, 32000)[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return (144 if first else 72) * kbits * 1000 // sample_rate + padding


def _drop_id3(source: MediaSource) -> None:
    """Drop ID3v2 tags (id3.org, ID3v2.4, 3.1): they say nothing of time and may hold megabytes of cover art."""
    for _ in range(_MAX_TAGS):
        head = source.peek(_ID3_HEADER)
        if not head.startswith(b"ID3") or len(head) < _ID3_HEADER or any(byte & 0x80 for byte in head[6:]):
            return
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        footer = _ID3_HEADER if head[5] & 0x10 else 0
        source.skip(_ID3_HEADER + size + footer)
