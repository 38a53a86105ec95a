"""What `benchmarks.fuzz` sends: each input made from a seed and its number alone, so that it can be made again."""

import json
import random
from dataclasses import dataclass, field
from typing import Any, Literal

from hostile.mutations import mutated
from hostile.picturing import encoded
from wire import made_up

from service.protocol.frames import HEADER, PICTURE, SOUND

Way = Literal["upload", "form", "session", "frames", "messages", "HTTP", "WebSocket"]

_SHARES: dict[Way, int] = {
    "upload": 66,
    "form": 12,
    "session": 8,
    "frames": 6,
    "messages": 5,
    "HTTP": 2,
    "WebSocket": 1,
}
_BOUNDARY = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Input:
    """One request, one session, or what somebody says who does not know the protocol."""

    number: int
    way: Way
    data: bytes = field(default=b"", repr=False)
    """The body of an upload; what is said on a bare connection."""
    content_type: str = ""
    messages: tuple[str | bytes, ...] = field(default=(), repr=False)
    """What is said in a session."""


def prepare() -> None:
    """Encode everything that inputs are made of, which takes seconds."""
    mutated(random.Random(0))  # noqa: S311


def make(seed: int, number: int) -> Input:
    """Input `number` of a seed."""
    chance = random.Random(f"{seed} {number}")  # noqa: S311
    way = chance.choices(tuple(_SHARES), tuple(_SHARES.values()))[0]
    match way:
        case "upload":
            return Input(number, way, mutated(chance), "application/octet-stream")
        case "form":
            return Input(number, way, _form(chance), f"multipart/form-data; boundary={_BOUNDARY}")
        case "session":
            return Input(number, way, messages=_session(chance))
        case "frames":
            return Input(number, way, messages=_frames(chance))
        case "messages":
            return Input(number, way, messages=_messages(chance))
        case "HTTP":
            return Input(number, way, made_up.request(chance))
    return Input(number, way, made_up.conversation(chance))


def _form(chance: random.Random) -> bytes:
    """A form with a recording in it, sometimes damaged itself."""
    name = 'form-data; name="file"; filename="clip.mp4"'
    head = f"--{_BOUNDARY}\r\nContent-Disposition: {name}\r\n\r\n".encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
    if chance.random() < 0.5:
        edges = bytearray(head + b"\0" + tail)
        for _ in range(chance.choice((1, 2, 8))):
            at = chance.randrange(len(edges))
            edges[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        head, _, tail = bytes(edges).partition(b"\0")
    return head + mutated(chance) + tail * chance.choice((1, 1, 1, 0, 2))


def _session(chance: random.Random) -> tuple[str | bytes, ...]:
    """A recording cut anywhere."""
    media = mutated(chance)
    cuts = sorted(chance.randrange(len(media) + 1) for _ in range(chance.randrange(6)))
    pieces = [media[start:end] for start, end in zip([0, *cuts], [*cuts, len(media)], strict=True)]
    return (*(piece for piece in pieces if piece), '{"type": "session.close"}')


def _frames(chance: random.Random) -> tuple[str | bytes, ...]:
    """Pictures and sound with odd headers, and damaged pictures."""
    said: list[str | bytes] = ['{"type": "session.update", "input": "frames"}']
    time = 0
    for sequence in range(chance.randrange(1, 8)):
        time += chance.choice((0, 40_000_000, 40_000_000, 40_000_000, 10**9, chance.randrange(1 << 40)))
        if chance.random() < 0.3:
            kind, rate, payload = SOUND, 16_000, chance.randbytes(2 * chance.randrange(2000))
        else:
            kind, rate, payload = PICTURE, 0, encoded(chance.choice(("JPEG", "PNG", "WEBP")))
            for _ in range(chance.choice((0, 0, 1, 20))):
                at = chance.randrange(len(payload))
                payload = payload[:at] + chance.randbytes(1) + payload[at + 1 :]
        message = bytearray(HEADER.pack(kind, 0, rate, sequence, time % (1 << 64)) + payload)
        if chance.random() < 0.3:
            message[chance.randrange(HEADER.size)] = chance.randrange(256)
        said.append(bytes(message[: chance.choice((len(message),) * 9 + (chance.randrange(1, 20),))]))
    return (*said, '{"type": "session.close"}')


_KINDS = ("session.update", "session.resume", "session.close", "keepalive", "session.created", "", "x" * 300)
_FIELDS = (
    "input",
    "interval",
    "late",
    "max_delay",
    "faces",
    "attention",
    "baseline",
    "token",
    "horizon",
    "session",
    "ä",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1,
    0.2,
    1e308,
    2**70,
    "",
    "frames",
    "container",
    "drop",
    "x" * 9000,
    [],
    {},
)


def _messages(chance: random.Random) -> tuple[str | bytes, ...]:
    """Control messages that are nearly right, or no JSON, with a little media among them."""
    said: list[str | bytes] = []
    for _ in range(chance.randrange(1, 5)):
        fields = {chance.choice(_FIELDS): chance.choice(_VALUES) for _ in range(chance.randrange(4))}
        text = json.dumps({"type": chance.choice(_KINDS), **fields})
        if chance.random() < 0.3:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(('"', "{", "[" * 5000, "\\u0000", "NaN", "")) + text[at + 1 :]
        said.append(text if chance.random() < 0.8 else chance.randbytes(chance.randrange(1, 200)))
    return tuple(said)
