"""One connection's worth of bad inputs for `benchmarks.fuzz`: sent, and judged by what the service answers."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from hostile.inputs import Input
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol
from wire import answers

from service.errors import AttuneError

HANG_SECONDS = 50.0
"""An answer that has not come by then is a finding; the service gives its own process up after 60."""
_PATIENCE = 0.3
"""Seconds of silence after which nobody waits for more from a bare connection: it may be owed none."""
_STATUS = {error.code: error.status for error in AttuneError.__subclasses__()}
_OURS = frozenset({"worker_failed", "internal_error", "unavailable", "busy", "draining"})
"""Codes that no input may bring about where there is room."""
_CLOSED = frozenset({1003, 1008, 1009})


@dataclass(slots=True)
class Record:
    """What was sent and what came of it."""

    ways: Counter[str] = field(default_factory=Counter)
    """Inputs by the way they went."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Answers, each a way and a code."""
    messages: int = 0
    """Messages of all sessions; the sessions are what is counted as inputs."""
    findings: list[dict[str, object]] = field(default_factory=list)
    """What should not have happened."""

    def add(self, one: Input, outcome: str, fault: str | None) -> None:
        """Take note of an answer, and whether it is a finding."""
        self.ways[one.way] += 1
        self.outcomes[f"{one.way} {outcome}"] += 1
        self.messages += len(one.messages)
        if fault is not None:
            self.findings.append({"input": one.number, "way": one.way, "what": fault})


class Sender:
    """Sends inputs one after the other; uploads go over one connection for as long as it lasts."""

    def __init__(self, port: int, record: Record) -> None:
        self._port = port
        self._record = record
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send_all(self, inputs: Iterator[Input]) -> None:
        """Send every one of `inputs` that no other sender takes."""
        for one in inputs:
            try:
                async with asyncio.timeout(HANG_SECONDS):
                    outcome, fault = await self._send(one)
            except TimeoutError:
                outcome, fault = "hang", f"no answer within {HANG_SECONDS:g} seconds"
                self._hang_up()
            except (OSError, asyncio.IncompleteReadError) as error:
                outcome, fault = "lost", f"the connection was lost: {error!r}"
                self._hang_up()
            self._record.add(one, outcome, fault)
        self._hang_up()

    async def upload(self, body: bytes, content_type: str) -> tuple[int, dict[str, object]]:
        """Status and JSON of the answer to an upload. Raises OSError or IncompleteReadError where there is none."""
        if self._stream is None:
            self._stream = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._stream
        head = f"POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        fields = dict(line.split(": ", 1) for line in answer.split("\r\n")[1:] if line)
        content = await reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self._hang_up()
        return int(answer.split()[1]), json.loads(content)

    async def _send(self, one: Input) -> tuple[str, str | None]:
        if one.way in ("upload", "form"):
            kept = self._stream is not None
            try:
                return judge_answer(*await self.upload(one.data, one.content_type))
            except (OSError, asyncio.IncompleteReadError):
                self._hang_up()
                if not kept:  # otherwise closed meanwhile, since nothing was asked for some seconds
                    raise
                return judge_answer(*await self.upload(one.data, one.content_type))
        if one.way in ("HTTP", "WebSocket"):
            return await asyncio.to_thread(self._say, one)
        return await self._talk(one.messages)

    def _say(self, one: Input) -> tuple[str, str | None]:
        if one.way == "HTTP":
            answer = answers.say(self._port, one.data, _PATIENCE)
            return ",".join(map(str, answers.statuses(answer))) or "silence", answers.http_fault(answer)
        answer = answers.converse(self._port, one.data, _PATIENCE)
        return str(answers.close_code(answer)), answers.conversation_fault(answer)

    async def _talk(self, messages: tuple[str | bytes, ...]) -> tuple[str, str | None]:
        """A whole session: it ends by itself, or the client leaves after what it has to say."""
        last = ""
        session = connect(
            f"ws://127.0.0.1:{self._port}/v1/stream",
            subprotocols=[Subprotocol("attune.v1")],
            compression=None,
            max_queue=None,  # a client that has left a bounded one full cannot even close
            max_size=None,
            ping_interval=None,
            proxy=None,
        )
        async with session as connection:
            with suppress(ConnectionClosed):
                for message in messages:
                    await connection.send(message)
                if not _ends(messages):
                    await connection.close()
            with suppress(ConnectionClosed):
                async for message in connection:
                    last = str(message)
            return judge_ending(connection.close_code, last, left=not _ends(messages))

    def _hang_up(self) -> None:
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None


def numbers(begin: int, end: int, seed: int) -> list[int]:
    """The numbers of inputs in an order that mixes them as a whole, the same for a seed."""
    shuffled = list(range(begin, end))
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    return shuffled


def judge_answer(status: int, content: dict[str, object]) -> tuple[str, str | None]:
    """The code of an answer to an upload, and what is wrong with it."""
    if status == 200:
        return "ok", None if "people" in content else "200 without a result"
    code = str(content.get("code"))
    if code in _OURS:
        return code, f"{status}: {content}"
    return code, None if _STATUS.get(code) == status else f"{status} with {code}"


def judge_ending(closed: int | None, last: str, *, left: bool) -> tuple[str, str | None]:
    """The code that a session ended with, and what is wrong with it; a client that `left` may hear nothing."""
    message = json.loads(last) if last else {}
    if closed == 1000 and (left or message.get("type") == "session.summary"):
        return "ok", None
    code = str(message.get("code"))
    if message.get("type") != "error" or message.get("fatal") is not True:
        return str(closed), None if left else f"closed with {closed} after {last[:200]}"
    return code, f"closed with {closed}: {last[:300]}" if closed not in _CLOSED or code in _OURS else None


def _ends(messages: tuple[str | bytes, ...]) -> bool:
    return '{"type": "session.close"}' in messages
