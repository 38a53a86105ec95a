"""Single calls of a running service, each over a connection of its own, and how soon they were answered."""

import asyncio
import io
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import parse_headers
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.clips import Clip

SUBPROTOCOL: Final = Subprotocol("attune.v1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an upload was answered."""

    status: int
    code: str
    """Of the problem; `ok` where there is none."""
    retry_after: int | None
    body: dict[str, Any]
    seconds: float
    """From the begin of connecting to the status; the body of the request may still have been on its way."""


@dataclass(frozen=True, slots=True)
class Knock:
    """How a session was answered that found no room."""

    code: str
    """`ok` where it would have been let in."""
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
    try:
        writer.write(head.encode() + clip.data)
        return await _answer(reader, began)
    finally:
        writer.close()
        with suppress(OSError):  # the service stops reading what it has refused
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader, began: float) -> Answer:
    status, _, rest = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
    seconds = time.monotonic() - began
    headers = parse_headers(io.BytesIO(rest))
    body = json.loads(await reader.readexactly(int(headers["content-length"])))
    again = headers["retry-after"]
    return Answer(int(status.split()[1]), body.get("code", "ok"), int(again) if again else None, body, seconds)


async def knock(port: int) -> Knock:
    """Ask for a session, and leave again if there is one. Raises OSError or WebSocketException if that breaks off."""
    began = time.monotonic()
    async with connect(
        f"ws://127.0.0.1:{port}/v1/stream", subprotocols=[SUBPROTOCOL], ping_timeout=None, proxy=None
    ) as connection:
        message = json.loads(await connection.recv())
        seconds = time.monotonic() - began
        if message["type"] != "error":
            return Knock("ok", None, None, seconds)
        await connection.wait_closed()
        return Knock(message["code"], message["retry_after"], connection.close_code, seconds)
