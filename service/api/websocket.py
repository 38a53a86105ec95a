"""uvicorn's WebSocket protocol, without what would let a client hold memory or connections for ever."""

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

MAX_FRAGMENTS: Final = 1024
"""Pieces that one message may come in."""
LINGER_SECONDS: Final = 10.0
"""How long a client may take to read what was still to be said when its session ended."""

# uvicorn names clients' addresses in a line for each connection; the session's own line says what matters.
_LOG = logging.getLogger(__name__)
_LOG.setLevel(logging.WARNING)


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """As uvicorn's, but: a message in very many pieces is refused; pings of a client that does not read are not
    answered; a send that was given up makes those after it not wait, so that a client can be told why it is closed;
    what a client still sends when it is closed is read and dropped for a while, also when the server stops, since the
    kernel would answer unread bytes with a reset, and the client might never see why; then the connection is cut."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _LOG

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            return
        code = self.conn.close_sent.code if self.conn.close_sent is not None else 1006
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.close_sent = True
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    async def send(self, message: Any) -> None:
        try:
            await self.writable.wait()
        except asyncio.CancelledError:
            self.writable.set()
            raise
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True  # else uvicorn logs an error, as if nothing had been answered

    def shutdown(self) -> None:
        if self.close_sent:  # its client may still read why; the connection ends with the client's answer, or is cut
            self.stop_keepalive()
        else:
            super().shutdown()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        super().on_task_complete(task)
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
