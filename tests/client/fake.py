"""A server that speaks attune.v1 and breaks when it is told to.

What it answers is a function of every byte it was sent so far, so one lost, repeated or misplaced byte or message
changes everything after it. Its whole state travels in the token, as that of the real one.
"""

import asyncio
import hashlib
import json
import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from service.protocol.frames import unpack
from service.protocol.messages import (
    CLIENT_MESSAGES,
    SUBPROTOCOL,
    Checkpoint,
    ErrorMessage,
    FramesDropped,
    KeepAlive,
    Measurement,
    Normaliser,
    PersonSummary,
    ServerMessage,
    SessionClose,
    SessionClosing,
    SessionConfig,
    SessionCreated,
    SessionLimits,
    SessionMedia,
    SessionPerson,
    SessionResume,
    SessionResumed,
    SessionSpeech,
    SessionSummary,
    SessionUpdate,
    SessionUpdated,
    UtteranceEnd,
    UtteranceStart,
)
from service.representation import LABELS, STEP_RATE
from service.timeline.models import ModelInfo, Summary

STEP_BYTES = 50
HEAD_BYTES = 70
CHECKPOINT_STEPS = 8
REPLAYED = 130
"""Bytes before a checkpoint that have to come again."""

LIMITS = SessionLimits(max_message_bytes=10_000, max_duration=60, max_pixels=1, max_frame_rate=60, idle_timeout=30)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one connection; nothing by default."""

    sends: int | None = None
    """It breaks in place of sending its message of this number."""
    receives: int | None = None
    """It breaks on receiving the message of this number."""
    how: Literal["abort", "close"] | str = "abort"
    """`abort`: without a word, `close`: with 1012; else the code of a fatal error."""
    status: int | None = None
    """HTTP status of a refused handshake."""
    model: str = "1"
    mute: bool = False
    """Says nothing at all."""
    dozes: float = 0.0
    """Seconds that it reads nothing, after the first message of media."""
    announces: int | None = None
    """It says that it leaves before its message of this number."""


class _Broken(Exception):
    pass


@dataclass
class State:
    """Everything that a step rests on."""

    step: int = 0
    digest: str = ""
    last: dict[int, tuple[list[float], list[float]]] = field(default_factory=dict)
    """Per person (m, l) of each label."""

    def dump(self) -> str:
        return json.dumps([self.step, self.digest, self.last])

    @classmethod
    def load(cls, text: str) -> "State":
        step, digest, last = json.loads(text)
        return cls(step, digest, {int(person): tuple(pair) for person, pair in last.items()})

    def advance(self, data: bytes) -> list[Measurement]:
        self.digest = hashlib.sha256(self.digest.encode() + data).hexdigest()
        time = self.step / STEP_RATE
        found = [self._measure(person, time) for person in range(1, 2 + int(self.digest[0], 16) % 3)]
        self.step += 1
        return found

    def _measure(self, person: int, time: float) -> Measurement:
        seed = hashlib.sha256(f"{self.digest}{person}".encode()).digest()
        scores = [value / 64 - 2 for value in seed[:7]]
        evident = seed[8] % 5 > 0
        if evident:
            largest, total = self.last.setdefault(person, ([-math.inf] * 7, [0.0] * 7))
            for i, score in enumerate(scores):
                top = max(largest[i], score)
                total[i] = total[i] * math.exp(largest[i] - top) + math.exp(score - top)
                largest[i] = top
        whole = sum(seed[10:17])
        return Measurement(
            id=person,
            time=time,
            box=None,
            probabilities={label: value / whole for label, value in zip(LABELS, seed[10:17], strict=True)},
            speech=False,
            speaking=None,
            modalities=["video"] if evident else [],
            scores=dict(zip(LABELS, scores, strict=True)),
            alignment=None,
            delay=0.01,
        )


class FakeServer:
    """One replica. `faults` are those of its connections, in order; later ones are whole."""

    def __init__(self, faults: Iterable[Fault] = (), *, checkpoints: bool = True, key: str | None = None) -> None:
        self._faults = iter(faults)
        self._checkpoints = checkpoints
        self._key = key
        self.url = ""
        self.openings: list[str] = []
        """Type of the first message of each connection that got so far."""
        self.received: list[bytes] = []
        """Binary messages of all connections."""
        self.kept_alive = asyncio.Event()
        self.stalled = asyncio.Event()
        """While set, no summary is given."""
        self.limits = LIMITS

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeServer"]:
        async with serve(
            self._serve,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            process_request=self._admit,
            ping_interval=0.05,
            ping_timeout=None,
            close_timeout=0.05,
        ) as server:
            self.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        fault = next(self._faults, Fault())
        connection.fault = fault  # type: ignore[attr-defined]
        assert request.path == "/v1/stream"
        if fault.status is not None:
            return connection.respond(fault.status, "no")
        if self._key is not None and request.headers.get("Authorization") != f"Bearer {self._key}":
            response = connection.respond(401, "")
            response.body = json.dumps({"code": "unauthorized", "detail": "Another key."}).encode()
            response.headers["Content-Length"], _ = str(len(response.body)), response.headers.pop("Content-Length")
            return response
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        with suppress(_Broken, ConnectionClosed):
            await _Conversation(self, connection, connection.fault).run()  # type: ignore[attr-defined]


class _Conversation:
    def __init__(self, server: FakeServer, connection: ServerConnection, fault: Fault) -> None:
        self._server = server
        self._connection = connection
        self._fault = fault
        self._sends = 0
        self._receives = 0
        self._state = State()
        self._data = b""
        """Container bytes not yet measured, or all of them until the replay has caught up."""
        self._position = 0
        """Of the first byte of `_data`."""
        self._head = b""
        self._config = SessionConfig()

    async def run(self) -> None:
        opening = CLIENT_MESSAGES.validate_json(await self._receive())
        self._server.openings.append(opening.type)
        if self._fault.mute:
            await self._connection.wait_closed()
        model = ModelInfo(name="fake", version=self._fault.model, provider="cpu")
        await self._send(SessionCreated(session="s", model=model, defaults=SessionConfig(), limits=self._server.limits))
        if isinstance(opening, SessionResume):
            await self._resume(json.loads(opening.token))
        else:
            assert isinstance(opening, SessionUpdate)
            self._config = SessionConfig(**opening.model_dump(exclude={"type"}))
            await self._send(SessionUpdated(config=self._config))
        while True:
            message = await self._receive()
            if isinstance(message, bytes):
                if not self._server.received:
                    await asyncio.sleep(self._fault.dozes)
                self._server.received.append(message)
                await (self._chunk(message) if self._config.input == "container" else self._frame(message))
            elif isinstance(request := CLIENT_MESSAGES.validate_json(message), SessionClose):
                break
            else:
                assert isinstance(request, KeepAlive)
                self._server.kept_alive.set()
                await self._send(request)
        if self._server.stalled.is_set():
            await self._connection.wait_closed()
        await self._send(self._summary(model))
        await self._connection.close()

    async def _resume(self, token: dict[str, Any]) -> None:
        self._config = SessionConfig(**token["config"])
        self._state = State.load(token["state"])
        self._position = token["replay_from"]
        self._token = token
        await self._send(
            SessionResumed(
                config=self._config,
                resume_at=self._state.step / STEP_RATE,
                replay_from=token["replay_from"],
                init_bytes=len(bytes.fromhex(token["head"])),
            )
        )
        head = b""
        wanted = bytes.fromhex(token["head"])
        while len(head) < len(wanted):
            head += await self._binary()
        assert head[: len(wanted)] == wanted, "the beginning of the recording was not sent again as it was"
        self._head = wanted
        rest = head[len(wanted) :]
        replayed = bytes.fromhex(token["replayed"])
        if self._config.input == "container":
            while len(rest) < len(replayed):
                rest += await self._binary()
            assert rest[: len(replayed)] == replayed, "the replay does not continue the recording"
            self._position += len(replayed)
            await self._chunk(rest[len(replayed) :])
        else:
            assert unpack(await self._binary()).sequence == token["replay_from"], "a replay from another message"

    async def _chunk(self, data: bytes) -> None:
        self._data += data
        if self._position + len(self._data) < HEAD_BYTES:
            return
        if not self._head:
            self._head = self._data[:HEAD_BYTES]
        while True:
            start = HEAD_BYTES + self._state.step * STEP_BYTES - self._position
            if len(self._data) < start + STEP_BYTES:
                return
            step = self._data[start : start + STEP_BYTES]
            if self._due():
                keep = min(REPLAYED, start)
                replayed = self._data[start - keep : start]
                await self._checkpoint(self._position + start - keep, self._head, replayed)
            cut = max(start - REPLAYED, 0)
            self._data, self._position = self._data[cut:], self._position + cut
            await self._step(step)

    async def _frame(self, data: bytes) -> None:
        message = unpack(data)
        if message.sequence < self._state.step:
            return
        assert message.sequence == self._state.step, "a message was lost"
        if self._due():
            await self._checkpoint(max(message.sequence - 3, 0), b"", b"")
        if message.payload.startswith(b"bad"):
            await self._send(error("invalid_frame", fatal=False, sequence=message.sequence))
        await self._step(data)

    def _due(self) -> bool:
        step = self._state.step
        return self._server._checkpoints and step > 0 and step % CHECKPOINT_STEPS == 0

    async def _checkpoint(self, replay_from: int, head: bytes, replayed: bytes) -> None:
        token = {
            "config": self._config.model_dump(),
            "state": self._state.dump(),
            "replay_from": replay_from,
            "head": head.hex(),
            "replayed": replayed.hex(),
        }
        await self._send(
            Checkpoint(
                token=json.dumps(token),
                resume_at=self._state.step / STEP_RATE,
                replay_from=replay_from,
                init_bytes=len(head),
            )
        )

    async def _step(self, data: bytes) -> None:
        step = self._state.step
        if step % 10 == 3:
            await self._send(UtteranceStart(start=step / STEP_RATE))
        for measurement in self._state.advance(data):
            await self._send(measurement)
        if step % 10 == 7:
            await self._send(UtteranceEnd(start=(step - 4) / STEP_RATE, end=step / STEP_RATE, people=[]))
        if step % 20 == 19:
            await self._send(FramesDropped(dropped={"late": step}))

    def _summary(self, model: ModelInfo) -> SessionSummary:
        steps = self._state.step
        summary = Summary(expressed=None, reason="no_evidence", probabilities=None, confidence=None, modalities=[])
        people = [
            SessionPerson(
                **PersonSummary(id=person, summary=summary).model_dump(),
                normaliser={
                    label: Normaliser(m=largest, l=total)
                    for label, largest, total in zip(LABELS, *self._state.last[person], strict=True)
                },
                baseline=None,
            )
            for person in sorted(self._state.last)
        ]
        media = SessionMedia(
            duration=steps / STEP_RATE,
            frames=steps,
            measured=steps,
            off_grid=0,
            dropped={},
            width=0,
            height=0,
            has_audio=False,
            has_video=True,
        )
        return SessionSummary(model=model, media=media, speech=SessionSpeech(seconds=0), people=people)

    async def _binary(self) -> bytes:
        message = await self._receive()
        assert isinstance(message, bytes)
        self._server.received.append(message)
        return message

    async def _receive(self) -> str | bytes:
        message = await self._connection.recv()
        self._receives += 1
        if self._receives == self._fault.receives:
            await self._break()
        return message

    async def _send(self, message: ServerMessage) -> None:
        self._sends += 1
        if self._sends == self._fault.sends:
            await self._break()
        if self._sends == self._fault.announces:
            await self._connection.send(SessionClosing(deadline=1, reason="draining").model_dump_json())
        await self._connection.send(message.model_dump_json())
        await asyncio.sleep(0)

    async def _break(self) -> None:
        if self._fault.how == "abort":
            self._connection.transport.abort()
        elif self._fault.how == "close":
            await self._connection.close(1012)
        else:
            await self._connection.send(error(self._fault.how, fatal=True).model_dump_json())
            await self._connection.close(1012 if self._fault.how == "draining" else 1011)
        raise _Broken


def error(code: str, *, fatal: bool, sequence: int | None = None) -> ErrorMessage:
    retry_after = 0 if code == "draining" else None
    return ErrorMessage(
        code=code, title=code, detail=f"It is {code}.", fatal=fatal, sequence=sequence, retry_after=retry_after
    )
