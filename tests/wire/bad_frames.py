"""What a client may send after a good handshake but should not (RFC 6455): by name, with how the service closes."""

import struct
from dataclasses import dataclass
from typing import Final

from wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

KEEPALIVE: Final = b'{"type":"keepalive"}'


@dataclass(frozen=True, slots=True)
class Conversation:
    """Frames, and the code with which the service closes; None where the session goes on."""

    data: bytes
    code: int | None


def closing(code: int, reason: bytes = b"") -> bytes:
    """A closing frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


def _conversations(code: int | None, **data: bytes) -> dict[str, Conversation]:
    return {name.replace("_", " "): Conversation(sent, code) for name, sent in data.items()}


_PARTS: Final = (frame(TEXT, KEEPALIVE[:7], final=False), frame(CONTINUATION, KEEPALIVE[7:]))

BROKEN: Final = (
    {f"reserved bits {bits}": Conversation(frame(TEXT, KEEPALIVE, reserved=bits), 1002) for bits in range(1, 8)}
    | {f"reserved opcode {code}": Conversation(frame(code, b"x"), 1002) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}
    | {
        f"closed with the reserved code {code}": Conversation(closing(code), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535)
    }
    | _conversations(
        1002,
        no_mask=frame(TEXT, KEEPALIVE, masked=False),
        a_closing_frame_without_a_mask=frame(CLOSE, masked=False),
        a_ping_in_pieces=frame(PING, b"x", final=False),
        a_closing_frame_in_pieces=frame(CLOSE, b"\x03\xe8", final=False),
        a_ping_too_long=frame(PING, bytes(126)),
        a_closing_frame_too_long=frame(CLOSE, b"\x03\xe8" + bytes(124)),
        a_closing_frame_of_one_byte=frame(CLOSE, b"\x03"),
        a_continuation_of_nothing=frame(CONTINUATION, b"more"),
        a_second_message_within_another=_PARTS[0] + frame(TEXT, KEEPALIVE),
        a_binary_message_within_text=_PARTS[0] + frame(BINARY, b"x"),
        requests_in_place_of_frames=b"GET /v1/model HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    )
    | _conversations(
        1007,
        text_that_is_no_text=frame(TEXT, b"\xff\xfe"),
        text_that_is_cut_within_a_letter=frame(TEXT, "é".encode()[:1]),
        text_of_half_a_surrogate=frame(TEXT, b"\xed\xa0\x80"),
        text_that_is_no_text_in_its_second_piece=frame(TEXT, b'{"', final=False) + frame(CONTINUATION, b"\xff"),
        text_that_is_no_text_and_a_ping=frame(TEXT, b"\xff") + frame(PING) + frame(TEXT, b"\xff"),
        closed_with_a_reason_that_is_no_text=closing(1000, b"\xff"),
    )
    | _conversations(
        1009,
        a_length_with_its_highest_bit=frame(BINARY, length=2**63),
        a_length_beyond_all_memory=frame(BINARY, length=2**62),
        a_length_beyond_the_limit=frame(TEXT, length=2**30),
        pieces_beyond_the_limit=frame(BINARY, bytes(2**16), final=False)
        + frame(CONTINUATION, bytes(2**16), final=False) * 9,
    )
)
ALLOWED: Final = {
    f"closed with {code}": Conversation(closing(code, "gehört".encode()), code)
    for code in (1000, 1001, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999)
} | _conversations(
    None,
    a_message_in_two_pieces=b"".join(_PARTS),
    a_letter_in_two_pieces=frame(TEXT, KEEPALIVE[:9], final=False) + frame(CONTINUATION, KEEPALIVE[9:]),
    a_ping_between_two_pieces=_PARTS[0] + frame(PING, b"x") + _PARTS[1],
    empty_pieces=frame(TEXT, b"", final=False)
    + frame(CONTINUATION, b"", final=False) * 100
    + frame(CONTINUATION, KEEPALIVE),
    pongs_that_nobody_asked_for=frame(PONG, b"x") * 100 + frame(TEXT, KEEPALIVE),
    a_hundred_pings=frame(PING, bytes(125)) * 100 + frame(TEXT, KEEPALIVE),
    every_mask=frame(TEXT, KEEPALIVE, mask=b"\xff\x00\x80\x7f"),
    a_length_in_eight_bytes=frame(TEXT, KEEPALIVE, length=len(KEEPALIVE)),
)
