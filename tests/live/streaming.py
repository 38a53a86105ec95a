"""A bare client of `attune.v1` for tests: sends what it is told, keeps all that comes back."""

import asyncio
import io
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from api.harness import PATIENCE
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from service.domain import Picture, Sound
from service.media import decode
from service.protocol.frames import FrameMessage, pack
from service.representation import SAMPLE_RATE, STEP_RATE

_BILLION = 10**9


@dataclass
class Transcript:
    """Everything a server said in one session, and how it closed."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    code: int | None = None

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def summary(self) -> dict[str, Any]:
        """The one session.summary."""
        [summary] = self.of("session.summary")
        return summary


def stream(port: int, messages: Iterable[bytes], **update: Any) -> Transcript:
    """One whole session: `session.update` with these fields, the binary messages, `session.close`."""
    return asyncio.run(_stream(port, messages, update))


async def _stream(port: int, messages: Iterable[bytes], update: dict[str, Any]) -> Transcript:
    transcript = Transcript()
    url = f"ws://127.0.0.1:{port}/v1/stream"
    async with asyncio.timeout(PATIENCE):
        async with connect(url, subprotocols=[Subprotocol("attune.v1")], max_size=None, proxy=None) as connection:
            receiving = asyncio.create_task(_receive(connection, transcript))
            try:
                await connection.send(json.dumps({"type": "session.update", **update}))
                for message in messages:
                    await connection.send(message)
                await connection.send(json.dumps({"type": "session.close"}))
            except ConnectionClosed:
                pass  # the transcript tells why
            await receiving
        transcript.code = connection.close_code
    return transcript


async def _receive(connection: ClientConnection, transcript: Transcript) -> None:
    async for text in connection:
        transcript.messages.append(json.loads(text))


def chunks(data: bytes, seed: int) -> Iterator[bytes]:
    """The bytes in pieces of random size, from one byte to 64 KiB."""
    source = random.Random(seed)  # noqa: S311  (nothing secret)
    at = 0
    while at < len(data):
        size = source.choice((1, 7, 300, 4_096, 65_536))
        yield data[at : at + size]
        at += size


def frame_messages(data: bytes) -> Iterator[bytes]:
    """The same recording as pictures (PNG) and PCM16, just as `media` hands them on, in the order of its packets."""
    with decode(io.BytesIO(data)) as media:
        for sequence, item in enumerate(media):
            if isinstance(item, Picture):
                assert item.image is not None
                yield pack(FrameMessage("picture", sequence, item.step * _BILLION // STEP_RATE, 0, png(item.image)))
            else:
                yield pack(_sound(sequence, item))


def png(image: np.ndarray) -> bytes:
    """An RGB picture [h, w, 3] without loss."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _sound(sequence: int, sound: Sound) -> FrameMessage:
    samples = np.round(sound.samples * 32768).astype("<i2").tobytes()
    return FrameMessage("sound", sequence, sound.start * _BILLION // SAMPLE_RATE, SAMPLE_RATE, samples)
