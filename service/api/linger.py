"""Answers before the request's body has arrived: send the answer, read on for a bounded while, then close.

Closing a connection with unread bytes makes the kernel send a reset, and the client may then see that reset in place
of the answer. RFC 9112, section 9.6, asks for the same: answer, keep reading, close.
"""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES: Final = 8 * 2**20
MAX_SECONDS: Final = 3.0


class LingeringClose:
    """ASGI middleware. An early answer carries `Connection: close`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange = _Exchange(Headers(scope=scope), receive, send)
            await self._app(scope, exchange.receive, exchange.send)
        else:
            await self._app(scope, receive, send)


class _Exchange:
    """One request and its response."""

    def __init__(self, headers: Headers, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._read_whole = "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"
        # A client that expects "100 Continue" holds its body back until it is asked for it.
        self._held_back = headers.get("expect", "").lower() == "100-continue"

    async def receive(self) -> Message:
        self._held_back = False
        message = await self._receive()
        if not message.get("more_body", False):  # the last of the body, or a disconnect
            self._read_whole = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._read_whole:
            message = {**message, "headers": [*message.get("headers", []), (b"connection", b"close")]}
        final = message["type"] == "http.response.body" and not message.get("more_body", False)
        if final and not self._read_whole and not self._held_back:
            await self._send({**message, "more_body": True})
            await self._read_on()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _read_on(self) -> None:
        left = MAX_BYTES
        try:
            async with asyncio.timeout(MAX_SECONDS):
                while not self._read_whole and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
