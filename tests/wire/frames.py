"""Frames of a WebSocket's client (RFC 6455, section 5.2), good and bad."""

import struct
from typing import Final

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
    mask: bytes = bytes(4),
) -> bytes:
    """One frame. `length` is what it says of itself, by default the truth in its shortest form; `reserved` is three
    bits."""
    size = len(payload) if length is None else length
    if length is None and size < 126:
        told = struct.pack("!B", 0x80 * masked | size)
    elif length is None and size < 2**16:
        told = struct.pack("!BH", 0x80 * masked | 126, size)
    else:
        told = struct.pack("!BQ", 0x80 * masked | 127, size)
    first = bytes([0x80 * final | reserved << 4 | opcode])
    if not masked:
        return first + told + payload
    return first + told + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
