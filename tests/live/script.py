"""What a client of a live session sends, and when."""

from dataclasses import dataclass
from typing import Literal

from service.client import Session
from service.representation import SAMPLE_RATE


@dataclass(frozen=True)
class Sent:
    """What a client sends at a media time."""

    time: float
    """Seconds."""
    kind: Literal["chunk", "picture", "sound"]
    data: bytes
    """Bytes of a container, a picture, or PCM16 at 16 kHz."""


async def send(session: Session, sent: Sent) -> None:
    """Send it, waiting while the session has no room."""
    if sent.kind == "chunk":
        await session.send(sent.data)
    elif sent.kind == "picture":
        await session.send_picture(sent.data, sent.time)
    else:
        await session.send_sound(sent.data, sent.time, rate=SAMPLE_RATE)
