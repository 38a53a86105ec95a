"""The binary messages of `frames` input: a header of 16 bytes, then one picture or one run of samples.

Little-endian:

| offset | type | field |
| --- | --- | --- |
| 0 | uint8 | kind: 1 picture (JPEG, PNG or WebP, told by its own signature), 2 sound (16-bit PCM, mono) |
| 1 | uint8 | 0 |
| 2 | uint16 | samples per second, 8000 to 48000; 0 for a picture |
| 4 | uint32 | sequence number: 0 for the first message, rising with every one whatever its kind |
| 8 | uint64 | time of the picture, or of the first sample, in nanoseconds from the start of the media |
"""

import struct
from dataclasses import dataclass
from typing import Final, Literal

from service.errors import InvalidFrame

HEADER: Final = struct.Struct("<BBHIQ")
PICTURE: Final = 1
SOUND: Final = 2
MIN_RATE, MAX_RATE = 8_000, 48_000

Kind = Literal["picture", "sound"]


@dataclass(frozen=True, slots=True)
class FrameMessage:
    """One picture or one run of samples."""

    kind: Kind
    sequence: int
    time: int
    """Nanoseconds from the start of the media."""
    rate: int
    """Samples per second; 0 for a picture that can be used."""
    payload: bytes
    """An encoded picture, or little-endian 16-bit samples."""


def pack(message: FrameMessage) -> bytes:
    """The bytes of a message. Raises struct.error for numbers out of range."""
    kind = PICTURE if message.kind == "picture" else SOUND
    return HEADER.pack(kind, 0, message.rate, message.sequence, message.time) + message.payload


def unpack(data: bytes) -> FrameMessage:
    """A message from its bytes. Raises `InvalidFrame`, with the sequence number where there is one to name.

    Of a picture only the header is read: one that cannot be used is still a picture received, so whoever decodes it
    refuses and counts it.
    """
    if len(data) < HEADER.size:
        raise InvalidFrame(f"The message has {len(data)} bytes, fewer than its header.")
    kind, reserved, rate, sequence, time = HEADER.unpack_from(data)
    payload = data[HEADER.size :]
    if kind not in (PICTURE, SOUND) or reserved:
        raise InvalidFrame("The message's kind is unknown.", sequence=sequence)
    if kind == PICTURE:
        return FrameMessage("picture", sequence, time, rate, payload)
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InvalidFrame(f"The sample rate is not between {MIN_RATE} and {MAX_RATE}.", sequence=sequence)
    if not payload or len(payload) % 2:
        raise InvalidFrame("The message is empty or cuts a sample in half.", sequence=sequence)
    return FrameMessage("sound", sequence, time, rate, payload)
