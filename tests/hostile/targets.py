"""What takes bytes of a caller, as functions of bytes that may raise nothing but the errors documented."""

from collections.abc import Callable
from contextlib import suppress

from media.clips import Bytes

from service.api.multipart import FilePart
from service.errors import AttuneError, InvalidFrame, InvalidRequest
from service.media import MediaLimits, decode
from service.media.boxes import find_layout
from service.media.restarts import Restarts
from service.media.signatures import detect_format
from service.media.source import MediaSource
from service.protocol.frames import pack, unpack
from service.workers.codec import CodecError, Decoder, encode

_LIMITS = MediaLimits(max_bytes=1 << 20, max_duration=60, max_pixels=640 * 480, max_spool_bytes=1 << 20)


def demux(data: bytes) -> None:
    """A recording is decoded, or refused."""
    with suppress(AttuneError), decode(Bytes(data, (4096,)), _LIMITS) as media:
        for _ in media:
            pass


def walk(data: bytes) -> None:
    """The service's own readers of containers, however the bytes are cut."""
    cut = 1 + (data[0] if data else 0) % 64
    for look in (find_layout, detect_format):
        with suppress(AttuneError):
            look(MediaSource(Bytes(data, (cut,)), 1 << 20))
    for container in ("matroska", "mov"):
        whole, pieces = Restarts(container), Restarts(container)
        whole.feed(data)
        for at in range(0, len(data), cut):
            pieces.feed(data[at : at + cut])
        assert whole.before(len(data)) == pieces.before(len(data))
        assert whole.init_bytes == pieces.init_bytes


def frame(data: bytes) -> None:
    """A binary message of `frames` input comes out as it went in, or is refused."""
    with suppress(InvalidFrame):
        assert pack(unpack(data)) == data


def codec(data: bytes) -> None:
    """What a decoding process says; what is understood can be said again."""
    cut = 1 + (data[0] if data else 0)
    decoder = Decoder()
    with suppress(CodecError):
        for at in range(0, len(data), cut):
            for message in decoder.feed(data[at : at + cut]):
                encode(message)


def multipart(data: bytes) -> None:
    """A form's bytes, however they are cut, give the same recording or are refused."""
    assert _file(data, len(data) or 1) == _file(data, 7)


def _file(data: bytes, cut: int) -> bytes | None:
    part, media = FilePart("multipart/form-data; boundary=b"), b""
    try:
        for at in range(0, len(data), cut):
            media += part.feed(data[at : at + cut])
        part.finish()
    except InvalidRequest:
        return None
    return media


TARGETS: dict[str, Callable[[bytes], None]] = {one.__name__: one for one in (demux, walk, frame, codec, multipart)}
