"""One client's WebSocket: messages in and out, bounded in size and in time."""

import asyncio
import time
from typing import Final

from pydantic import BaseModel, ValidationError
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from service.api.stream.closing import TOO_LARGE
from service.errors import IdleTimeout, InvalidMessage, MessageTooLarge, SlowClient
from service.protocol.messages import CLIENT_MESSAGES, ClientMessage
from service.settings import Settings

_MAX_COMMAS: Final = 64
"""In a control message, which is a flat object of at most ten fields. Of hundreds of thousands of unknown ones each
would be an error to be told of, which takes a quarter of a minute and a gigabyte."""


class ClientLeft(Exception):
    """The client has closed the connection, or lost it."""


class Connection:
    """An accepted WebSocket. One task receives; any may send."""

    def __init__(self, websocket: WebSocket, settings: Settings) -> None:
        self._websocket = websocket
        self._max_bytes = settings.max_message_bytes
        self._idle_timeout = settings.idle_timeout
        self._media_timeout = settings.media_timeout
        self._send_timeout = settings.send_timeout
        self._waited = 0.0
        """Seconds spent waiting for media since the last came."""
        self.received = 0
        """Bytes of media so far."""

    async def receive(self, *, patient: bool = False) -> ClientMessage | bytes:
        """The next message; media as bytes. Waits for ever if `patient`.

        Raises `ClientLeft`, `IdleTimeout`, `MessageTooLarge`, or `InvalidMessage` for text that is no message and for
        media without a byte.
        """
        message = await self._websocket.receive() if patient else await self._receive_in_time()
        if message["type"] == "websocket.disconnect":
            if message.get("code") == TOO_LARGE:  # the server closed it: the message is beyond what it reads at all
                raise MessageTooLarge(f"A message may have {self._max_bytes} bytes.")
            raise ClientLeft
        data: bytes | None = message.get("bytes")
        text: str = message.get("text") or ""
        if (len(data) if data is not None else len(text.encode())) > self._max_bytes:
            raise MessageTooLarge(f"A message may have {self._max_bytes} bytes.")
        if data is None:
            return _parse(text)
        if not data:
            raise InvalidMessage("A binary message is empty.")
        self.received += len(data)
        self._waited = 0.0
        return data

    async def _receive_in_time(self) -> Message:
        """The next message. Raises `IdleTimeout` where none comes, or none with media for longer than that may take."""
        longest = self._media_timeout if self.received else self._idle_timeout
        left = longest - self._waited
        began = time.monotonic()
        try:
            async with asyncio.timeout(min(self._idle_timeout, left)):
                return await self._websocket.receive()
        except TimeoutError:
            if left < self._idle_timeout:
                raise IdleTimeout(f"No media came for {longest:g} seconds.") from None
            raise IdleTimeout(f"No message came for {self._idle_timeout:g} seconds.") from None
        finally:
            self._waited += time.monotonic() - began

    async def send(self, *messages: BaseModel) -> None:
        """Send messages, waiting while the client reads slowly. Raises `ClientLeft` or `SlowClient`."""
        try:
            for message in messages:
                async with asyncio.timeout(self._send_timeout):
                    await self._websocket.send_text(message.model_dump_json())
        except TimeoutError:
            raise SlowClient(f"The client read nothing for {self._send_timeout:g} seconds.") from None
        except (WebSocketDisconnect, RuntimeError):  # closed by the client, or by the server for what it sent
            raise ClientLeft from None

    async def close(self, code: int) -> None:
        """Begin the closing handshake; harmless if the client has left."""
        try:
            await self._websocket.close(code)
        except (WebSocketDisconnect, OSError, RuntimeError):  # already closed by the other side, or by the server
            return


def _parse(text: str) -> ClientMessage:
    if text.count(",") > _MAX_COMMAS:
        raise InvalidMessage("message: It has more fields than any message of the protocol.")
    try:
        return CLIENT_MESSAGES.validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidMessage(f"{place or 'message'}: {first['msg']}") from None
