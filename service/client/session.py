"""A session as its caller sees it: one unbroken conversation, however many connections it takes."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from service.client.errors import ConnectionFailed, Lost
from service.client.inbox import Event, Inbox
from service.client.ledger import Ledger
from service.client.link import Link, connected
from service.client.outage import Outage
from service.errors import Draining, InvalidMessage, MessageTooLarge, TokenForeignModel
from service.protocol.frames import HEADER, FrameMessage, Kind, pack
from service.protocol.messages import (
    Checkpoint,
    ErrorMessage,
    FramesDropped,
    KeepAlive,
    ServerMessage,
    SessionClose,
    SessionClosing,
    SessionCreated,
    SessionLimits,
    SessionResume,
    SessionResumed,
    SessionSummary,
    SessionUpdate,
    SessionUpdated,
)
from service.protocol.ring import Ring
from service.representation import Label
from service.timeline.models import ModelInfo

HEAD = 1 << 20
"""Bytes kept of a recording's beginning: more than any container's header that a server asks for again."""

UNSENT = 8 << 20
"""Bytes that may wait to be sent before `send` waits: some ten seconds of a camera, so that it outlasts an outage."""

Credential = str | Callable[[], Awaitable[str]]
"""What a server is shown: an API key or an access token, or what gives a fresh one."""

_PIECE = 64 << 10
_OPEN_TIMEOUT = 10.0
_GREETING_TIMEOUT = 20.0

_log = logging.getLogger("service.client")


class Session:
    """A live session, made by `connect`.

    Send media, iterate over what comes back, `close`. A lost connection is replaced and the media since the last
    checkpoint sent again; what was received before is not handed out twice, so the caller sees every step of every
    person once, in order, and need not know. One task may iterate while others send.
    """

    def __init__(
        self, urls: Sequence[str], config: SessionUpdate, *, key: Credential | None, patience: float, ring_bytes: int
    ) -> None:
        self._urls = urls
        self._url = 0
        self._config = config
        self._key = key
        self._outage = Outage(patience)
        self._ring = Ring(ring_bytes, head=HEAD if config.input == "container" else 0)
        self._most_unsent = min(UNSENT, ring_bytes // 2)
        self._inbox = Inbox()
        self._ledger = Ledger()
        self._checkpoint: Checkpoint | None = None
        self._created: SessionCreated | None = None
        self._summary: SessionSummary | None = None
        self._failure: Exception | None = None
        self._closing = False
        self._sending = asyncio.Lock()
        self._work = asyncio.Event()
        self._space = asyncio.Event()
        self._begun = asyncio.Event()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.is_connected = False
        """Whether there is a connection at this moment."""
        self.reconnections = 0
        """Lost connections that were replaced so far."""

    @property
    def model(self) -> ModelInfo:
        """The model that gives the numbers."""
        return self._greeted.model

    @property
    def limits(self) -> SessionLimits:
        """What the server allows a session."""
        return self._greeted.limits

    async def send(self, chunk: bytes) -> None:
        """Send the next bytes of a recording, cut anywhere (`input="container"`).

        Returns as soon as the bytes are in the ring, without waiting for the server unless it is far behind. Raises
        what ended the session, and RuntimeError after `close`.
        """
        self._check("container")
        size = min(_PIECE, self.limits.max_message_bytes)
        async with self._sending:
            for at in range(0, len(chunk), size):
                piece = chunk[at : at + size]
                await self._append(piece, len(piece))

    async def send_picture(self, picture: bytes, at: float) -> None:
        """Send one JPEG, PNG or WebP picture taken `at` seconds from the start of the media (`input="frames"`).

        Raises as `send`, ValueError for a time before the start, and `MessageTooLarge` for one the server would refuse.
        """
        await self._send_frame("picture", picture, at, rate=0)

    async def send_sound(self, samples: bytes, at: float, *, rate: int) -> None:
        """Send a run of 16-bit little-endian mono samples, the first heard `at` seconds from the start of the media
        (`input="frames"`); `rate` is 8000 to 48000 samples per second. Raises as `send_picture`."""
        await self._send_frame("sound", samples, at, rate=rate)

    async def close(self) -> SessionSummary:
        """End the media; the summary, once everything has been measured.

        Messages that nobody has taken yet can still be iterated over. Raises what ended the session before.
        """
        self._closing = True
        self._inbox.lift()
        self._work.set()
        await self._ended.wait()
        if self._summary is None:
            raise self._reason()
        return self._summary

    def attention(self, person: int) -> dict[Label, list[float]]:
        """Per emotion, one weight for each measurement of `person` that was handed out, as an upload gives it.

        Raises RuntimeError before the summary, LookupError for nobody of this id, and ValueError where attention was
        off or there was no evidence.
        """
        if self._summary is None:
            raise RuntimeError("attention is known once the session is closed")
        normaliser = {one.id: one.normaliser for one in self._summary.people}[person]
        if normaliser is None:
            raise ValueError(f"no attention for person {person}")
        return self._ledger.people[person].attention(normaliser)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next message, in order; the last one is the summary. Raises what ended the session, and RuntimeError
        where messages had to be dropped because nobody had taken any."""
        event = await self._inbox.take()
        if event is None:
            raise StopAsyncIteration
        return event

    async def start(self) -> None:
        """Connect; for `connect` alone."""
        self._task = asyncio.create_task(self._run(), name="attune session")
        await self._begun.wait()
        if self._failure is not None:
            raise self._failure

    async def stop(self) -> None:
        """Leave; for `connect` alone."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def _greeted(self) -> SessionCreated:
        if self._created is None:
            raise RuntimeError("the session has not begun")
        return self._created

    # What the caller sends

    async def _send_frame(self, kind: Kind, payload: bytes, at: float, *, rate: int) -> None:
        self._check("frames")
        if not 0 <= at < 1e9:
            raise ValueError(f"{at} is no time in seconds from the start of the media")
        if HEADER.size + len(payload) > self.limits.max_message_bytes:
            raise MessageTooLarge(f"A {kind} of {len(payload)} bytes is more than the server takes in one message.")
        async with self._sending:
            message = FrameMessage(kind, self._ring.end, round(at * 1e9), rate, payload)
            await self._append(pack(message), 1)

    def _check(self, kind: str) -> None:
        if self._config.input != kind:
            raise RuntimeError(f"the session's input is {self._config.input}")
        if self._closing:
            raise RuntimeError("the session is closed")

    async def _append(self, data: bytes, extent: int) -> None:
        if not self._ended.is_set():
            self._ring.append(data, extent)
            self._work.set()
            while self._ring.unsent > self._most_unsent and not self._ended.is_set():
                self._space.clear()
                await self._space.wait()
        if self._ended.is_set():
            raise self._reason()

    def _reason(self) -> Exception:
        return self._failure or ConnectionFailed("The session has ended.")

    # The connections, one after the other

    async def _run(self) -> None:
        try:
            await self._converse_until_done()
        except asyncio.CancelledError:
            self._failure = ConnectionFailed("The session was left.")
            raise
        except Exception as error:
            self._failure = error
        finally:
            self.is_connected = False
            for event in (self._ended, self._begun, self._space):
                event.set()
            self._inbox.finish(self._failure)

    async def _converse_until_done(self) -> None:
        tries = 0
        while self._summary is None:
            url = self._urls[self._url % len(self._urls)]
            began = time.monotonic()
            try:
                async with connected(url, await self._credential(), open_timeout=_OPEN_TIMEOUT) as link:
                    await self._converse(link)
            except Lost as lost:
                tries += 1
                self.is_connected = False
                self._url += 1
                # One that leaves has said that another can be reached, be it behind the same address.
                is_leaving = isinstance(lost.error, Draining)
                if self._created is None and tries >= len(self._urls) and not is_leaving:
                    raise lost.error from lost
                pause = self._outage.next_try(time.monotonic() - began, lost.error.retry_after)
                if pause is None:
                    raise lost.error from lost
                _log.info("%s: %s Trying again in %.1f s.", url, lost.error.detail, pause)
                await asyncio.sleep(pause)

    async def _credential(self) -> str | None:
        return await self._key() if callable(self._key) else self._key

    async def _converse(self, link: Link) -> None:
        """One connection, until the summary or until it is lost."""
        head = await self._greet(link)
        self.is_connected = True
        writer = asyncio.create_task(self._write(link, head))
        try:
            while self._summary is None:
                await self._receive(await link.receive())
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)

    async def _greet(self, link: Link) -> bytes:
        """Begin or go on; the bytes to send before what the ring holds."""
        checkpoint = self._checkpoint
        opening = self._config if checkpoint is None else SessionResume(token=checkpoint.token)
        await link.send(opening.model_dump_json())
        try:
            async with asyncio.timeout(_GREETING_TIMEOUT):
                created = await link.receive()
                while isinstance(answer := await link.receive(), SessionClosing):
                    continue
        except TimeoutError as error:
            raise Lost(ConnectionFailed("The server accepted the connection and then said nothing.")) from error
        if not isinstance(created, SessionCreated):
            raise InvalidMessage("The server did not begin with session.created.")
        if self._created is None:
            self._created = created
            self._begun.set()
        elif (created.model.name, created.model.version) != (self.model.name, self.model.version):
            raise Lost(TokenForeignModel("The server that would go on has another model."))
        else:
            self.reconnections += 1
        try:
            if checkpoint is None and isinstance(answer, SessionUpdated):
                return self._ring.rewind(0, 0)
            if checkpoint is not None and isinstance(answer, SessionResumed):
                return self._ring.rewind(answer.replay_from, answer.init_bytes)
        except LookupError as error:
            raise ConnectionFailed("The connection was lost, and the media to go on with is no longer kept.") from error
        raise InvalidMessage("The server did not answer how the session works.")

    async def _write(self, link: Link, head: bytes) -> None:
        """Send what waits, as it comes; return once the connection is lost or nothing more will come."""
        for at in range(0, len(head), _PIECE):
            await link.send(head[at : at + _PIECE])
        while True:
            while (piece := self._ring.take()) is not None:
                if not await link.send(piece.data):
                    return
                if self._ring.unsent <= self._most_unsent:
                    self._space.set()
            if self._closing:
                await link.send(SessionClose().model_dump_json())
                return
            self._work.clear()
            try:
                async with asyncio.timeout(self.limits.idle_timeout / 3):
                    await self._work.wait()
            except TimeoutError:
                await link.send(KeepAlive().model_dump_json())

    async def _receive(self, message: ServerMessage) -> None:
        match message:
            case Checkpoint():
                self._keep(message)
            case SessionClosing():
                _log.info("The server leaves in %.1f s; the session goes on elsewhere.", message.deadline)
            case KeepAlive() | SessionCreated() | SessionUpdated() | SessionResumed():
                return
            case _:
                if isinstance(message, SessionSummary):
                    self._summary = message
                if self._ledger.is_new(message):
                    if not isinstance(message, FramesDropped | ErrorMessage):  # a replay may well bring more of those
                        self._outage.over()
                    await self._inbox.put(message)

    def _keep(self, checkpoint: Checkpoint) -> None:
        if not self._ring.can_resume(checkpoint.replay_from, checkpoint.init_bytes):
            return
        if self._checkpoint is None or checkpoint.resume_at > self._checkpoint.resume_at:
            self._outage.over()  # a server that goes on says the checkpoint again at which it does
        self._checkpoint = checkpoint
        self._ring.forget(checkpoint.replay_from)
        if self._config.input == "frames":
            self._ledger.forget(checkpoint.replay_from)
