"""Callers of every kind at once: recordings, cameras, some that leave, some that are slow, some that send nonsense.

Wants `tests` on the path: bad media are those of tests/hostile.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from hostile.items import Item
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.calls import SUBPROTOCOL, Answer, upload
from benchmarks.clips import Clip
from benchmarks.sessions import stream
from benchmarks.webm import LoopedRecording

OURS: Final = frozenset({"internal_error", "worker_failed"})
"""Codes that nobody's media may bring about."""
_ROOM: Final = frozenset({"busy", "unavailable"})
_LENGTHS: Final = (2.0, 4.0, 6.0)
"""Seconds of media in a session."""
_PIECE: Final = 0.1
_SLOW_SECONDS: Final = 8.0
_BOUNDARY: Final = "a-part-of-a-form"
_CHUNK: Final = 64 * 1024
_RETRY_SECONDS: Final = 2.0
_PAUSE: Final = 2.0
"""Seconds between two calls of one caller, at most."""


class _Refused(Exception):
    """A session was not let in."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Mixture:
    """All kinds of callers of one service. What they are answered is the same as long as it runs."""

    def __init__(self, port: int, recording: LoopedRecording, clips: list[Clip], bad: list[Item], seed: int) -> None:
        self._port = port
        self._clips = clips
        self._recording = recording
        self._bad = bad
        self._dice = random.Random(seed)  # noqa: S311  (nothing secret)
        self._first: dict[str, Any] = {}
        """What each recording gave when it was measured first."""
        self.outcomes: dict[str, Counter[str]] = {}
        """By kind of caller: codes, `ok`, `left`."""
        self.lost: list[str] = []
        """What should not have happened."""

    async def run(self, seconds: float) -> None:
        """Everybody at once, until the time is over; whoever is not done then leaves."""
        callers: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            ("recording", self._recorded),
            ("recording", self._recorded),
            ("recording", self._recorded),
            ("slow upload", self._slow_upload),
            ("upload that is cut", self._cut_upload),
            ("bad upload", self._bad_upload),
            ("session", self._camera),
            ("session", self._camera),
            ("session that is not read", self._deaf_camera),
            ("session that is cut", self._cut_camera),
            ("bad session", self._bad_camera),
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for name, call in callers:
                    group.create_task(self._again_and_again(name, call))

    async def fill(self, sessions: int, uploads: int) -> None:
        """As many sessions as there is room for at the same time, then as many uploads."""
        clip = max(self._clips, key=lambda clip: len(clip.data))
        pieces = list(self._recording.pieces(_LENGTHS[0], _PIECE))
        await asyncio.gather(*(stream(self._port, pieces, paced=True, warm_up=0.0) for _ in range(sessions)))
        await asyncio.gather(*(upload(self._port, clip) for _ in range(uploads)))

    async def _again_and_again(self, name: str, call: Callable[[], Awaitable[str]]) -> None:
        while True:
            try:
                outcome = await call()
            except _Refused as refused:
                outcome = refused.code
            except (OSError, EOFError, ConnectionClosed) as error:
                outcome = type(error).__name__
                self.lost.append(f"{name}: {error!r}")
            self.outcomes.setdefault(name, Counter())[outcome] += 1
            if outcome in OURS:
                self.lost.append(f"{name}: {outcome}")
            await asyncio.sleep(_RETRY_SECONDS if outcome in _ROOM else self._dice.uniform(0.0, _PAUSE))

    async def _recorded(self) -> str:
        """A good recording, raw or in a form; its result is the same every time."""
        clip = self._dice.choice(self._clips)
        answer = await upload(self._port, _in_form(clip) if self._dice.random() < 0.5 else clip)
        self._compare(f"recording {clip.name}", answer.code, _essence(answer))
        return answer.code

    async def _camera(self) -> str:
        """A session to its summary; its measurements are as many every time."""
        seconds = self._dice.choice(_LENGTHS)
        session = await stream(self._port, self._recording.pieces(seconds, _PIECE), paced=True, warm_up=0.0)
        outcome = session.errors[-1] if session.errors else "ok"
        self._compare(f"session of {seconds:g} s", outcome, session.measurements)
        return outcome

    async def _slow_upload(self) -> str:
        """A recording that takes its time, whole in the end."""
        clip = self._dice.choice(self._clips)
        async with _request(self._port, clip) as (reader, writer):
            answer = asyncio.create_task(_status(reader))
            size = max(1, len(clip.data) // 16)
            try:
                for at in range(0, len(clip.data), size):
                    writer.write(clip.data[at : at + size])
                    await asyncio.wait({answer}, timeout=_SLOW_SECONDS / 16)
                    if answer.done():  # refused; the service does not read on for long
                        break
                status = await answer
            finally:
                answer.cancel()
        if status not in (200, 429, 503):
            self.lost.append(f"slow upload of {clip.name}: {status}")
        return "busy" if status == 429 else str(status)

    async def _cut_upload(self) -> str:
        """A recording whose client is gone before it was sent."""
        clip = self._dice.choice(self._clips)
        async with _request(self._port, clip) as (_, writer):
            writer.write(clip.data[: self._dice.randrange(len(clip.data))])
            await asyncio.sleep(self._dice.random())
            writer.transport.abort()
        return "left"

    async def _cut_camera(self) -> str:
        """A session whose client is gone in the midst of it."""
        async with _session(self._port) as connection:
            for piece in self._recording.pieces(self._dice.uniform(0.2, 3.0), _PIECE):
                await connection.send(piece.data)
            connection.transport.abort()
        return "left"

    async def _deaf_camera(self) -> str:
        """A session whose client reads nothing for a while, and then leaves."""
        async with _session(self._port) as connection:
            connection.transport.pause_reading()
            for piece in self._recording.pieces(_SLOW_SECONDS, _PIECE):
                await connection.send(piece.data)
                await asyncio.sleep(_PIECE / 2)
            connection.transport.abort()
        return "left"

    async def _bad_upload(self) -> str:
        item = self._dice.choice(self._bad)
        answer = await upload(self._port, Clip(item.name, item.content_type, item.media))
        if answer.code in OURS:
            self.lost.append(item.title)
        return answer.code

    async def _bad_camera(self) -> str:
        item = self._dice.choice(self._bad)
        outcome = "ok"
        async with _session(self._port) as connection:
            sending = asyncio.create_task(_send(connection, item))
            try:
                async for text in connection:
                    message = json.loads(text)
                    if message["type"] == "error" and message["fatal"]:
                        outcome = message["code"]
            except ConnectionClosed:
                pass  # an error came before it
            finally:
                sending.cancel()
                await asyncio.wait({sending})
        if outcome in OURS:
            self.lost.append(item.title)
        return outcome

    def _compare(self, what: str, outcome: str, found: Any) -> None:
        if outcome in _ROOM:
            return
        if outcome != "ok":
            self.lost.append(f"{what}: {outcome}")
        elif found != self._first.setdefault(what, found):
            self.lost.append(f"{what}: {found} where it was {self._first[what]}")


def _essence(answer: Answer) -> list[tuple[int, int, list[float]]]:
    """Of each person: who, how many steps, what they express on the whole, as exactly as batches leave it."""
    return [
        (
            person["id"],
            len(person["timeline"]),
            [round(value, 3) + 0.0 for value in person["summary"]["probabilities"].values()],
        )
        for person in answer.body.get("people", [])
    ]


def _in_form(clip: Clip) -> Clip:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{clip.name}"\r\n\r\n'
    return Clip(
        clip.name,
        f"multipart/form-data; boundary={_BOUNDARY}",
        head.encode() + clip.data + f"\r\n--{_BOUNDARY}--\r\n".encode(),
    )


@asynccontextmanager
async def _request(port: int, clip: Clip) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """An upload of which nothing but the head was sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/analyses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {clip.kind}\r\n"
    try:
        writer.write(f"{head}Content-Length: {len(clip.data)}\r\nConnection: close\r\n\r\n".encode())
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _status(reader: asyncio.StreamReader) -> int:
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    if status == 200:  # else what is still sent may be answered with a reset
        await reader.read()
    return status


@asynccontextmanager
async def _session(port: int) -> AsyncIterator[ClientConnection]:
    """A session that was let in. Raises `_Refused`."""
    async with connect(
        f"ws://127.0.0.1:{port}/v1/stream", subprotocols=[SUBPROTOCOL], max_size=None, ping_timeout=None, proxy=None
    ) as connection:
        first = json.loads(await connection.recv())
        if first["type"] == "error":
            raise _Refused(first["code"])
        with suppress(ConnectionClosed):
            yield connection


async def _send(connection: ClientConnection, item: Item) -> None:
    with suppress(ConnectionClosed):  # the error that came before says why
        await connection.send(
            json.dumps({"type": "session.update", "input": "frames" if item.messages else "container"})
        )
        for at in range(0, len(item.media), _CHUNK) if not item.messages else ():
            await connection.send(item.media[at : at + _CHUNK])
        for message in item.messages:
            await connection.send(message)
        await connection.send(json.dumps({"type": "session.close"}))
