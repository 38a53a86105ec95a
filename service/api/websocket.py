"""uvicorn's WebSocket protocol, without what would let a client hold memory or connections for ever."""

import asyncio
import logging
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from service.api.problems import MEDIA_TYPE, problem, problem_of
from service.errors import MAX_DETAIL, HeadTooLarge

MAX_FRAGMENTS: Final = 1024
"""Pieces that one message may come in."""
LINGER_SECONDS: Final = 10.0
"""How long a client may take to read what was still to be said when its session ended."""

_TOO_LARGE: Final = (HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

_LOG = logging.getLogger(__name__)


class _Frames(ServerProtocol):
    """As websockets' own, but it refuses handshakes with problem details."""

    def reject(self, status: StatusLike, text: str) -> Response:
        error = HeadTooLarge(text.strip()) if status in _TOO_LARGE else None
        refused = problem(error) if error else problem_of(HTTPStatus(status), text.strip()[:MAX_DETAIL])
        response = super().reject(refused.status, refused.model_dump_json())
        del response.headers["Content-Type"]
        response.headers.update({"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})
        return response


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """As uvicorn's, but: what is no handshake is refused with problem details, and never left without an answer; text
    that is none ends the session without a traceback in the log; a message in very many pieces is refused; pings of a
    client that does not read are not answered; a send that was given up makes those after it not wait, so that a client
    can be told why it is closed; what a client still sends when it is closed is read and dropped for a while, also when
    the server stops, since the kernel would answer unread bytes with a reset, and the client might never see why; then
    the connection is cut."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _LOG
        self.conn = _Frames(max_size=self.config.ws_max_size, logger=_LOG)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.close_sent:
            # It has too many headers or a body, say; uvicorn does not look.
            refusal = b"".join(self.conn.data_to_send())
            self._end(refusal or self.conn.reject(400, f"{self.conn.handshake_exc}.").serialize())

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                if not self.close_sent:
                    self.conn.fail(CloseCode.INVALID_DATA)
                    self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self.conn.fail(1009, "too many fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        if self.writable.is_set() and not self.close_sent:
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            return
        code = self.conn.close_sent.code if self.conn.close_sent is not None else 1006
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self._end(b"".join(self.conn.data_to_send()))

    def _end(self, output: bytes) -> None:
        """Say the last, and read on for a while."""
        self.transport.write(output)
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
