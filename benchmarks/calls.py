"""Single calls of a running service, each over a connection of its own, and how soon they were answered."""

import asyncio
import io
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import parse_headers
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.clips import Clip

SUBPROTOCOL = Subprotocol("attune.v1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an upload was answered."""

    status: int
    retry_after: str | None
    body: dict[str, Any]
    head_seconds: float
    """From the begin of connecting to the status; the body of the request may still have been on its way."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a session was refused."""

    code: str
    """`admitted` where it was not."""
    retry_after: int | None
    close_code: int | None
    seconds: float
    """From the begin of connecting to the message that says so."""


async def upload(port: int, clip: Clip) -> Answer:
    """POST raw media, and read while it is sent, so that a refusal is seen when it comes.

    Raises OSError or EOFError where the service broke the connection off.
    """
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/analyses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {clip.kind}\r\n"
    head += f"Content-Length: {len(clip.data)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + clip.data)
    try:
        status, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
        answered = time.monotonic() - began
        headers = parse_headers(io.BytesIO(rest))
        body = await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()
        with suppress(OSError):  # the service stops reading what it has refused
            await writer.wait_closed()
    return Answer(int(status.split()[1]), headers["retry-after"], json.loads(body), answered)


async def knock(port: int) -> Refusal:
    """Ask for a session, and leave again if there is one. Raises OSError or WebSocketException if that breaks off."""
    began = time.monotonic()
    async with connect(
        f"ws://127.0.0.1:{port}/v1/stream", subprotocols=[SUBPROTOCOL], ping_timeout=None, proxy=None
    ) as connection:
        message = json.loads(await connection.recv())
        answered = time.monotonic() - began
        if message["type"] != "error":
            return Refusal("admitted", None, None, answered)
        await connection.wait_closed()
        return Refusal(message["code"], message["retry_after"], connection.close_code, answered)
