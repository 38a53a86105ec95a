"""A service that measures nothing: it serves the page and speaks `attune.v1`, with numbers made of the step alone.

Steps follow the bytes of the recording, so that bytes sent again give the same steps again. It can be killed and
started again on its port; what it has seen outlives it, and it notes every byte that was sent wrongly the second time.
"""

import asyncio
import base64
import json
import socket
import threading
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, WebSocket
from starlette.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from service.api import static
from service.api.keys import TOKEN_PREFIX
from service.protocol import messages
from service.protocol.messages import SUBPROTOCOL, Measurement, Normaliser, SessionPerson
from service.representation import LABELS, STEP_RATE
from service.timeline.models import AlignmentStep, BoxModel, ModelInfo, Summary

MODEL = ModelInfo(name="fake", version="0", provider="cpu")
CHECKPOINT_EVERY = 25
REPLAY = 10
"""Steps before a checkpoint from which media is wanted again."""
IDLE = 6.0


def person_at(step: int, person: int, *, alone: bool) -> Measurement:
    """What the fake says of a person at a step: everything in it depends on the two numbers alone."""
    draw = np.random.default_rng([step // 10, person])
    probabilities = np.round(draw.dirichlet(np.full(len(LABELS), 0.4)), 6)
    probabilities[0] = round(1 - probabilities[1:].sum(), 6)
    speech = (step // 20) % 3 > 0
    speaking = None if alone or not speech else (step // 60) % 2 + 1 == person
    audio = speech and speaking is not False
    return Measurement(
        time=step / STEP_RATE,
        id=person,
        box=BoxModel(x=0.1 if person == 1 else 0.6, y=0.2, width=0.2, height=0.4),
        probabilities=dict(zip(LABELS, np.abs(probabilities).tolist(), strict=True)),
        speech=speech,
        speaking=speaking,
        modalities=["audio", "video"] if audio else ["video"],
        scores=dict(zip(LABELS, draw.normal(0, 2 + step % 7, len(LABELS)).tolist(), strict=True)),
        alignment=AlignmentStep(lag=0.04 * (step % 20), weight=0.5) if audio else None,
        delay=0.05,
    )


def draining() -> messages.ErrorMessage:
    """What a service that drains says last."""
    return messages.ErrorMessage(
        code="draining", title="Draining", detail="Told by the service.", fatal=True, sequence=None, retry_after=0
    )


@dataclass(slots=True)
class FakeService:
    """The service and its memory. Set what it does before the page connects."""

    port: int = 0
    several_from: int | None = None
    """The step at which a second person comes."""
    nobody_from: int | None = None
    """The step at which everybody goes."""
    refusal: messages.ErrorMessage | None = None
    """Sent to every session in place of an answer."""
    refusal_code: int = 1013
    checkpoints: bool = True
    key: str | None = None
    """The only API key that is taken, and only to make a token of."""
    tokens: list[str] = field(default_factory=list)
    """What it made of the key, one for each connection; each opens once."""
    leaves: bool = False
    """Whether the session ends at its next checkpoint, as one of a service that drains; the next one stays."""
    accepts: bool = True
    """Whether handshakes of WebSockets are answered with yes."""

    media: bytearray = field(default_factory=bytearray)
    """The recording, as far as it came."""
    ends: list[int] = field(default_factory=list)
    """For each step the bytes of the recording that it takes."""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """Every JSON message of every connection."""
    offered: list[list[str]] = field(default_factory=list)
    """The subprotocols that each connection offered."""
    last: float = 0.0
    """When the newest piece of it came; a step is taken to last as long as its bytes."""
    faults: list[str] = field(default_factory=list)
    resumptions: int = 0
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve, on the same port as before."""
        config = uvicorn.Config(
            _app(self), port=self.port, ws="websockets-sansio", log_config=None, lifespan="off", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert self._thread.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def kill(self) -> None:
        """End as a killed process does: every connection breaks off, nobody says a word."""
        assert self._server is not None
        assert self._thread is not None
        server = self._server
        server.servers[0].get_loop().call_soon_threadsafe(_break_off, server)
        self._thread.join()

    @property
    def url(self) -> str:
        """The address of the page, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def people_at(self, step: int) -> list[int]:
        """Who is on show."""
        if self.nobody_from is not None and step >= self.nobody_from:
            return []
        return [1] if self.several_from is None or step < self.several_from else [1, 2]

    def measurements(self, step: int) -> list[Measurement]:
        """What is said of a step."""
        people = self.people_at(step)
        return [person_at(step, person, alone=len(people) == 1) for person in people]

    def summary(self, steps: int) -> messages.SessionSummary:
        """What is said of the first `steps` steps."""
        people = sorted({person for step in range(steps) for person in self.people_at(step)})
        return messages.SessionSummary(
            model=MODEL,
            media=messages.SessionMedia(
                duration=steps / STEP_RATE, frames=steps + 7, measured=steps, off_grid=4, dropped={"late": 3},
                width=640, height=360, has_audio=True, has_video=True,
            ),
            speech=messages.SessionSpeech(seconds=sum((step // 20) % 3 > 0 for step in range(steps)) / STEP_RATE),
            people=[self._person(person, steps) for person in people],
        )  # fmt: skip

    def _person(self, person: int, steps: int) -> SessionPerson:
        own = [one for step in range(steps) for one in self.measurements(step) if one.id == person]
        scores = np.array([[one.scores[label] for label in LABELS] for one in own if one.scores])
        m = scores.max(axis=0)
        total = np.exp(scores - m).sum(axis=0)
        summary = Summary(
            expressed="happy", reason=None, probabilities=own[-1].probabilities, confidence=0.5, modalities=["video"]
        )
        normaliser = {label: Normaliser(m=float(a), l=float(b)) for label, a, b in zip(LABELS, m, total, strict=True)}
        return SessionPerson(id=person, summary=summary, normaliser=normaliser, baseline=None)

    def take(self, offset: int, data: bytes) -> None:
        """Keep bytes of the recording, or compare them with what was kept."""
        known = bytes(self.media[offset : offset + len(data)])
        if known != data[: len(known)]:
            self.faults.append(f"other bytes at {offset}")
        if fresh := data[len(known) :]:
            now = time.monotonic()
            self.media += fresh
            self.ends += [len(self.media)] * round(STEP_RATE * min(now - self.last, 0.3))
            self.last = now


class _Connection:
    def __init__(self, service: FakeService, socket: WebSocket) -> None:
        self._service = service
        self._socket = socket
        self._offset: int | None = None
        self._step = 0
        self._head = b""
        self._init = 0
        self._replay_from = 0
        self._config = messages.SessionConfig()
        self._is_leaving = False

    async def run(self) -> None:
        limits = messages.SessionLimits(
            max_message_bytes=64_000, max_duration=3600, max_pixels=10**7, max_frame_rate=60, idle_timeout=IDLE
        )
        await self.tell(messages.SessionCreated(session="fake", model=MODEL, defaults=self._config, limits=limits))
        while True:
            message = await asyncio.wait_for(self._socket.receive(), IDLE)
            if message["type"] == "websocket.disconnect":
                return
            if text := message.get("text"):
                self._service.heard.append(json.loads(text))
                if await self._answer(messages.CLIENT_MESSAGES.validate_json(text)):
                    return
            else:
                if await self._listen(message["bytes"]):
                    return

    async def tell(self, *said: Any) -> None:
        for message in said:
            await self._socket.send_text(message.model_dump_json())

    async def _answer(self, message: Any) -> bool:
        """Whether that was the end."""
        match message:
            case messages.SessionUpdate():
                self._config = messages.SessionConfig(**message.model_dump(exclude={"type"}))
                self._offset = 0
                await self.tell(messages.SessionUpdated(config=self._config))
            case messages.SessionResume():
                state = json.loads(base64.b64decode(message.token))
                self._step, self._replay_from, self._init = state["step"], state["replay_from"], state["init"]
                self._service.resumptions += 1
                at = self._step / STEP_RATE
                await self.tell(
                    messages.SessionResumed(
                        config=self._config, resume_at=at, replay_from=self._replay_from, init_bytes=self._init
                    )
                )
            case messages.KeepAlive():
                await self.tell(message)
            case messages.SessionClose():
                await self.tell(self._service.summary(len(self._service.ends)))
                await self._socket.close()
                return True
        return False

    async def _listen(self, data: bytes) -> bool:
        """Whether that was the end."""
        if len(data) > 64_000:
            self._service.faults.append("message too large")
        if self._offset is None:  # the header first, as in the first session
            self._head += data
            if len(self._head) < self._init:
                return False
            if self._head[: self._init] != bytes(self._service.media[: self._init]):
                self._service.faults.append("other header")
            self._offset, data = self._replay_from, self._head[self._init :]
        self._service.take(self._offset, data)
        self._offset += len(data)
        return await self._measure()

    async def _measure(self) -> bool:
        """Whether that was the end."""
        assert self._offset is not None
        if self._service.leaves and not self._is_leaving:
            self._is_leaving = True
            await self.tell(messages.SessionClosing(deadline=5, reason="draining"))
        reached = bisect_right(self._service.ends, self._offset)
        for step in range(self._step, reached):
            await self.tell(*self._service.measurements(step))
            if step % 60 == 55:
                await self.tell(self._utterance(step))
            if step % CHECKPOINT_EVERY == 0 and step and self._service.checkpoints:
                await self.tell(self._checkpoint(step))
                if self._is_leaving:
                    self._service.leaves = False
                    await self.tell(draining())
                    await self._socket.close(1012)
                    return True
        if reached > self._step:
            await self.tell(messages.FramesDropped(dropped={"late": reached // 50}))
        self._step = max(self._step, reached)
        return False

    def _utterance(self, step: int) -> messages.UtteranceEnd:
        people = [
            messages.PersonSummary(
                id=person,
                summary=Summary(
                    expressed="sad", reason=None, probabilities=None, confidence=0.71, modalities=["audio", "video"]
                ),
            )
            for person in self._service.people_at(step)
        ]
        return messages.UtteranceEnd(start=(step - 40) / STEP_RATE, end=(step - 10) / STEP_RATE, people=people)

    def _checkpoint(self, step: int) -> messages.Checkpoint:
        ends = self._service.ends
        replay_from = ends[max(step - REPLAY, 0)]
        init = min(ends[0], 300)
        token = json.dumps({"step": step + 1, "replay_from": replay_from, "init": init})
        return messages.Checkpoint(
            token=base64.b64encode(token.encode()).decode(),
            resume_at=(step + 1) / STEP_RATE,
            replay_from=replay_from,
            init_bytes=init,
        )


def _app(service: FakeService) -> FastAPI:
    app = FastAPI(docs_url=None)

    @app.get("/v1/model")
    async def model() -> JSONResponse:
        return JSONResponse({"name": "fake"}) if service.key is None else _locked()

    @app.post("/v1/tokens")
    async def make_token(request: Request) -> JSONResponse:
        if service.key is None or request.headers.get("authorization") != f"Bearer {service.key}":
            return _locked()
        service.tokens.append(f"token-{len(service.tokens) + 1}")
        return JSONResponse({"token": service.tokens[-1], "expires_in": 60})

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        service.offered.append(list(socket.scope["subprotocols"]))
        if not (service.accepts and _authorised(service, socket)):
            await socket.close()
            return
        await socket.accept(SUBPROTOCOL)
        connection = _Connection(service, socket)
        try:
            if service.refusal:
                await connection.tell(service.refusal)
                await socket.close(service.refusal_code)
                return
            await connection.run()
        except (WebSocketDisconnect, RuntimeError):
            return  # gone, or killed

    static.install(app)
    app.add_middleware(static.BrowserHeaders)
    return app


def _locked() -> JSONResponse:
    problem = {"title": "API key required", "detail": "Show a key.", "code": "unauthorized", "status": 401}
    return JSONResponse(problem, 401, media_type="application/problem+json")


def _authorised(service: FakeService, socket: WebSocket) -> bool:
    if service.key is None:
        return True
    return socket.scope["subprotocols"] == [SUBPROTOCOL, TOKEN_PREFIX + service.tokens[-1]] if service.tokens else False


def _break_off(server: uvicorn.Server) -> None:
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        transport = connection.transport
        # RST in place of FIN, as the kernel answers for a process that is no more.
        if raw := transport.get_extra_info("socket"):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        transport.abort()
    server.should_exit = server.force_exit = True
