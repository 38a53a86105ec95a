"""Live sessions of a running service."""

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.typing import Subprotocol

from benchmarks.webm import Piece


class Heard(NamedTuple):
    """One measurement, all in seconds."""

    at: float
    """When the client had it, on the monotonic clock."""
    time: float
    """Of the media."""
    delay: float


@dataclass(slots=True)
class Session:
    """What one session was told."""

    delays: list[float] = field(default_factory=list)
    """Seconds from arrival to departure, of measurements after the warm-up."""
    heard: list[Heard] = field(default_factory=list)
    """All measurements that tell their delay."""
    measurements: int = 0
    summary: dict[str, Any] | None = None
    errors: list[str] = field(default_factory=list)


async def stream(
    port: int,
    pieces: Iterable[Piece],
    *,
    paced: bool,
    warm_up: float,
    opened: asyncio.Event | None = None,
    **update: object,
) -> Session:
    """One session that sends `pieces`, `paced` by their times or as fast as the service takes them.

    `opened` is set once the service has let it in. Where the service ends it, the last of `errors` says why.
    """
    session = Session()
    url = f"ws://127.0.0.1:{port}/v1/stream"
    # Answers to pings wait behind media that is not read yet.
    async with connect(
        url, subprotocols=[Subprotocol("attune.v1")], max_size=None, ping_timeout=None, proxy=None
    ) as connection:
        receiving = asyncio.create_task(_receive(connection, session, warm_up, opened))
        began = time.monotonic()
        with suppress(ConnectionClosed):  # what is received says why
            await connection.send(json.dumps({"type": "session.update", **update}))
            for piece in pieces:
                if paced and (ahead := began + piece.time - time.monotonic()) > 0:
                    await asyncio.sleep(ahead)
                await connection.send(piece.data)
            await connection.send(json.dumps({"type": "session.close"}))
        await receiving
    return session


async def _receive(
    connection: ClientConnection, session: Session, warm_up: float, opened: asyncio.Event | None
) -> None:
    try:
        async for text in connection:
            message = json.loads(text)
            if message["type"] == "session.created" and opened is not None:
                opened.set()
            elif message["type"] == "measurement":
                session.measurements += 1
                if message["delay"] is not None:
                    session.heard.append(Heard(time.monotonic(), message["time"], message["delay"]))
                    if message["time"] >= warm_up:
                        session.delays.append(message["delay"])
            elif message["type"] == "session.summary":
                session.summary = message
            elif message["type"] == "error":
                session.errors.append(message["code"])
    except ConnectionClosedError as closed:
        if not session.errors:
            session.errors.append(f"closed with {closed.rcvd.code if closed.rcvd else None}")
