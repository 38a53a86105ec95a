import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.messages import encode
from numpy.typing import NDArray
from PIL import Image

from service.errors import InvalidFrame
from service.media import MediaLimits
from service.media.images import Scaler
from service.media.stills import Still

LIMITS = MediaLimits()


def decode(data: bytes, limits: MediaLimits = LIMITS) -> NDArray[np.uint8]:
    return Still(data, limits).decode(Scaler())


def quarters() -> NDArray[np.uint8]:
    """32 x 24, red, green, blue and white from the top left on."""
    image = np.zeros((24, 32, 3), np.uint8)
    image[:12, :16], image[:12, 16:], image[12:, :16], image[12:, 16:] = (
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (255, 255, 255),
    )
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_lossless_pictures_come_out_as_they_went_in(kind: str, options: dict[str, object]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (37, 53, 3), dtype=np.uint8)
    got = decode(encode(image, kind, **options))
    assert np.array_equal(got, image)
    assert got.flags.c_contiguous


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_pictures_come_out_nearly_so(kind: str, options: dict[str, object]) -> None:
    got = decode(encode(quarters(), kind, quality=95, **options))
    assert np.abs(got[3:9, 3:13].astype(int) - (255, 0, 0)).max() < 12


def test_a_jpeg_that_says_its_pixels_over_and_over_is_refused() -> None:
    jpeg = encode(quarters(), "JPEG", progressive=True)
    scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    assert decode(jpeg[:-2] + scan * 50 + jpeg[-2:]).shape == (24, 32, 3)
    with pytest.raises(InvalidFrame, match="passes"):
        Still(jpeg[:-2] + scan * 200 + jpeg[-2:], LIMITS)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_as_their_exif_says(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    undo = {
        1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE], 6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE], 8: [Image.Transpose.ROTATE_270],
    }[orientation]  # fmt: skip
    stored = Image.fromarray(quarters())
    for step in undo:
        stored = stored.transpose(step)
    still = Still(saved(stored, kind, exif=exif, quality=95, **({"lossless": True} if kind == "WEBP" else {})), LIMITS)
    got = still.decode(Scaler())
    assert got.shape == (24, 32, 3)
    assert still.size == (32, 24)
    assert np.abs(got[4:8, 4:12].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(got[16:20, 4:12].astype(int) - (0, 0, 255)).max() < 12


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("P", "PNG"), ("1", "PNG"), ("I;16", "PNG"), ("L", "JPEG"),
     ("CMYK", "JPEG"), ("RGBA", "WEBP")],
)  # fmt: skip
def test_pictures_of_every_mode_become_rgb(mode: str, kind: str) -> None:
    if mode == "I;16":
        source = Image.fromarray(np.full((24, 32), 200 << 8, np.uint16))
    else:
        source = Image.fromarray(np.full((24, 32, 3), 200, np.uint8))
        source = source.quantize(4) if mode == "P" else source.convert(mode)
    got = decode(saved(source, kind))
    assert got.shape == (24, 32, 3)
    assert got.dtype == np.uint8
    if mode != "1":
        assert np.abs(got.astype(int) - 200).max() <= 3


def test_what_is_transparent_keeps_its_colour() -> None:
    image = Image.fromarray(quarters()).convert("RGBA")
    image.putalpha(0)
    assert np.array_equal(decode(saved(image, "PNG")), quarters())
    few = Image.fromarray(quarters()).quantize(4)
    assert np.abs(decode(saved(few, "PNG", transparency=bytes([0, 128, 255, 0]))).astype(int) - quarters()).max() < 6


def test_large_pictures_are_scaled_down_to_a_longer_side_of_1280() -> None:
    still = Still(encode(np.full((1080, 1920, 3), 77, np.uint8)), LIMITS)
    assert still.decode(Scaler()).shape == (720, 1280, 3)
    assert still.size == (1920, 1080)


def png_header(width: int, height: int) -> bytes:
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content))
    return start + struct.pack(">I4s", 10, b"IDAT") + bytes(14)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(kind: str) -> None:
    data = encode(np.zeros((100, 101, 3), np.uint8), kind)
    with pytest.raises(InvalidFrame, match="101 x 100"):
        Still(data, MediaLimits(max_pixels=100 * 100))
    assert decode(data, MediaLimits(max_pixels=100 * 101)).shape == (100, 101, 3)


@pytest.mark.parametrize(
    "data",
    [
        png_header(60_000, 60_000),
        b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\x3f\xff\xff\x3f" + bytes(20),
        b"RIFF\x20\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(20),
        b"RIFF\x20\0\0\0WEBPVP8 \x20\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(20),
    ],
    ids=["png", "webp extended", "webp lossless", "webp"],
)
def test_a_header_that_announces_an_enormous_picture_is_refused_by_its_size(data: bytes) -> None:
    with pytest.raises(InvalidFrame, match="at most"):
        Still(data, LIMITS)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(InvalidFrame, match="neither JPEG nor PNG nor WebP"):
        Still(encode(quarters(), kind), LIMITS)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(["JPEG", "PNG", "WEBP"]))
def test_damage_is_told_and_never_fails_otherwise(data: st.DataObject, kind: str) -> None:
    good = bytearray(encode(quarters(), kind))
    for _ in range(data.draw(st.integers(1, 5))):
        good[data.draw(st.integers(4, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    try:
        image = decode(bytes(good[:cut] if data.draw(st.booleans()) else good))
    except InvalidFrame:
        return
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
