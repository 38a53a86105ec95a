"""Single pictures, and messages of `frames` input, that are not what they say."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from hostile.items import Item
from PIL import Image

from service.protocol.frames import HEADER, PICTURE, SOUND, FrameMessage, pack

_SEEN = frozenset({"unsupported_media"})
"""A recording that is a single picture is refused."""
_STEP = 40_000_000


def bombs() -> Iterator[Item]:
    """Small files that are, or say they are, large pictures; and damaged ones."""
    for name, data in _pictures():
        yield Item("picture bomb", name, data, _SEEN | {"media_unreadable", "empty_body"}, messages=_said(data))


def _said(data: bytes) -> tuple[bytes, ...]:
    """A good picture, then the bad one three times, then a good one."""
    good = encoded("PNG")
    return tuple(
        pack(FrameMessage("picture", number, number * _STEP, 0, one))
        for number, one in enumerate((good, data, data, data, good))
    )


def encoded(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: object) -> bytes:
    """A grey picture."""
    with BytesIO() as file:
        Image.new(mode, size, 128 if mode in ("L", "P", "I;16") else None).save(file, kind, **options)
        return file.getvalue()


def _pictures() -> Iterator[tuple[str, bytes]]:
    jpeg, png, webp = (encoded(kind) for kind in ("JPEG", "PNG", "WEBP"))
    yield "JPEG that says 65,535 x 65,535", _jpeg_size(jpeg, 65_535, 65_535)
    yield "JPEG that says 16,384 x 16,384", _jpeg_size(jpeg, 16_384, 16_384)
    yield "JPEG that says 3072 x 3072", _jpeg_size(jpeg, 3072, 3072)
    yield "JPEG that says 0 x 0", _jpeg_size(jpeg, 0, 0)
    yield "JPEG of 6000 x 6000", encoded("JPEG", (6000, 6000), "L")
    yield "JPEG of 3000 x 3000, progressive", encoded("JPEG", (3000, 3000), "L", progressive=True)
    yield "JPEG with 500 scans", _scans(500)
    yield "JPEG of 1 x 1", encoded("JPEG", (1, 1))
    yield "JPEG of 1 x 60,000", encoded("JPEG", (1, 60_000))
    yield "JPEG without an end", jpeg[:-2]
    yield "JPEG cut off in its header", jpeg[:100]
    yield "JPEG cut off in its pixels", encoded("JPEG", (400, 300))[:700]
    yield "JPEG with a marker that is too long", jpeg[:2] + b"\xff\xe1\xff\xff" + jpeg[2:]
    yield "JPEG with 30,000 empty markers", jpeg[:2] + b"\xff\xe1\0\2" * 30_000 + jpeg[2:]
    yield "JPEG with an Exif that refers to itself", _exif(jpeg)
    yield "JPEG of four colours", encoded("JPEG", (64, 48), "CMYK")
    yield "JPEG signature alone", b"\xff\xd8\xff"
    yield "PNG of 16,384 x 16,384", _png(16_384, 16_384, 8, zlib.compress(bytes(20_000_000), 9))
    yield "PNG that says 2^31 x 2^31", _png(2**31 - 1, 2**31 - 1, 8, b"")
    yield "PNG of 3000 x 3000 with 50 times the pixels", _png(3000, 3000, 8, _zeros(450_000_000))
    yield "PNG of 3000 x 3000 without pixels", _png(3000, 3000, 8, zlib.compress(b""))
    yield "PNG of 3000 x 3000 of 16 bits in colour", _png(3000, 3000, 16, _zeros(54_003_000), colour=2)
    yield "PNG with a text of 100 MB", _with_chunk(png, b"zTXt", b"a\0\0" + _zeros(100_000_000))
    yield "PNG with a profile of 100 MB", _with_chunk(png, b"iCCP", b"a\0\0" + _zeros(100_000_000))
    yield "PNG with 20,000 texts", _with_chunk(png, b"tEXt", b"a\0b", 20_000)
    yield "PNG with a wrong checksum", png[:40] + bytes((png[40] ^ 1,)) + png[41:]
    yield "PNG with an unknown depth", _png(64, 48, 3, b"")
    yield "PNG cut off", png[:60]
    yield "PNG, animated, of 10,000 pictures", _with_chunk(png, b"acTL", struct.pack(">II", 10_000, 0))
    yield "WebP that says 16,384 x 16,384", webp[:26] + struct.pack("<HH", 0x3FFF, 0x3FFF) + webp[30:]
    yield "WebP whose canvas is larger than its picture", _canvas(webp)
    yield "WebP cut off", webp[: len(webp) // 2]
    yield "WebP signature alone", b"RIFF\x04\0\0\0WEBP"
    yield "GIF", encoded("GIF", mode="L")
    yield "TIFF", encoded("TIFF")
    yield "BMP", encoded("BMP")
    yield "PostScript that runs a program", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n"
    yield "SVG that names a file", b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    yield "nothing", b""


def _jpeg_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _scans(count: int) -> bytes:
    """A progressive picture whose last scan is said again and again."""
    jpeg = encoded("JPEG", (1024, 1024), "L", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * count + b"\xff\xd9"


def _exif(jpeg: bytes) -> bytes:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + struct.pack("<I", 8)
    content = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def _zeros(count: int) -> bytes:
    """So many zeros, compressed, without ever holding them."""
    packer = zlib.compressobj(1)
    block = bytes(1 << 20)
    whole = b"".join(packer.compress(block) for _ in range(count >> 20))
    return whole + packer.compress(bytes(count % (1 << 20))) + packer.flush()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int, bits: int, pixels: bytes, colour: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _with_chunk(png: bytes, kind: bytes, content: bytes, count: int = 1) -> bytes:
    return png[:33] + _chunk(kind, content) * count + png[33:]


def _canvas(webp: bytes) -> bytes:
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (2999).to_bytes(3, "little") * 2
    content = b"WEBP" + canvas + webp[12:]
    return b"RIFF" + struct.pack("<I", len(content)) + content


def headers() -> Iterator[Item]:
    """Messages with every field of their header out of order."""
    good = encoded("PNG")
    sound = np.zeros(640, "<i2").tobytes()

    def item(name: str, *messages: bytes) -> Item:
        first = pack(FrameMessage("picture", 0, 0, 0, good))
        return Item("message header", name, b"".join(messages), messages=(first, *messages))

    def one(kind: int, reserved: int, rate: int, sequence: int, time: int, payload: bytes) -> bytes:
        return HEADER.pack(kind, reserved, rate, sequence, time) + payload

    for kind in (0, 3, 127, 255):
        yield item(f"kind {kind}", one(kind, 0, 0, 1, _STEP, good))
    yield item("a reserved byte", one(PICTURE, 1, 0, 1, _STEP, good))
    for rate in (0, 1, 7999, 48_001, 65_535):
        yield item(f"sound of {rate} Hz", one(SOUND, 0, rate, 1, _STEP, sound))
    yield item("a picture of 16 kHz", one(PICTURE, 0, 16_000, 1, _STEP, good))
    for sequence in (0, 2**32 - 1):
        yield item(f"sequence number {sequence}", one(PICTURE, 0, 0, sequence, _STEP, good))
    yield item("sequence numbers that wrap", one(PICTURE, 0, 0, 2**32 - 1, 1, good), one(PICTURE, 0, 0, 0, 2, good))
    for time in (2**63 - 1, 2**64 - 1):
        yield item(f"time {time}", one(PICTURE, 0, 0, 1, time, good))
        yield item(f"sound at {time}", one(SOUND, 0, 16_000, 1, time, sound))
    yield item("times that go back", one(PICTURE, 0, 0, 1, 9 * _STEP, good), one(PICTURE, 0, 0, 2, _STEP, good))
    for size in range(0, 16, 5):
        yield item(f"{size} bytes of a header", one(PICTURE, 0, 0, 1, _STEP, good)[: size or 1])
    yield item("a header alone", one(PICTURE, 0, 0, 1, _STEP, b""), one(SOUND, 0, 16_000, 2, _STEP, b""))
    yield item("half a sample", one(SOUND, 0, 16_000, 1, _STEP, b"\1"))
    yield item("a minute of sound", one(SOUND, 0, 8000, 1, _STEP, bytes(2 * 8000 * 60)))
    many = [one(PICTURE, 0, 0, 1 + number, number, good) for number in range(300)]
    yield item("300 pictures in a moment", *many)
    far = [one(SOUND, 0, 16_000, 1 + number, 600 * 10**9 * number, sound) for number in range(5)]
    yield item("sounds ten minutes apart", *far)
