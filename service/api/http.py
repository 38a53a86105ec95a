"""uvicorn's HTTP protocol, without what would let a client hold memory or connections for ever, or confuse a proxy."""

import asyncio
import logging
import sys
from typing import Any, Final

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.api.linger import MAX_BYTES, MAX_SECONDS
from service.api.problems import MEDIA_TYPE, problem
from service.errors import AttuneError, BadRequest, HeadTimeout, HeadTooLarge, Unavailable

_LOG = logging.getLogger(__name__)

HEAD_BYTES: Final = 64 * 1024
"""Bytes that a request's line and headers may have; as many may come later without a byte of its body among them."""
HEAD_SECONDS: Final = 30.0
"""How long a client may take for them, from when it connects or begins a further request."""


class HttpProtocol(HttpToolsProtocol):
    """As uvicorn's, but: the head of a request is bounded in size and in time; a request names one host (RFC 9112,
    section 3.2); trailers are no headers (RFC 9110, section 6.5.1); what is no request is answered with problem
    details; a client that leaves is done with all that it asked for, also where it asked ahead; and nothing of this is
    logged, since anybody could fill the log with it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _LOG
        self._running: RequestResponseCycle | None = None
        """The request that is answered, or was last."""
        self._in_body = False
        """Whether the head of a request has come, but not its end."""
        self._head = 0
        """Bytes of the head so far."""
        self._elsewhere = 0
        """Bytes since the last one of a body, or since a request ended."""
        self._complaint: AttuneError | None = None
        """Why a callback of the parser gave the request up."""
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        self._abandon()

    def data_received(self, data: bytes) -> None:
        self._elsewhere += len(data)
        if self._is_refused:
            if self._elsewhere > MAX_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        if self._is_refused or self.transport.get_protocol() is not self:
            return
        if self._elsewhere > HEAD_BYTES:
            self._refuse(_too_large())
        elif self._in_body or self._is_answering():
            self._stop_timer()
        else:
            self._set_timer()

    def handle_websocket_upgrade(self) -> None:
        if self._is_answering():  # and that answer would come among the frames of the session
            self._refuse(BadRequest("A handshake waits for the answers to what was asked before."))
            return
        self._stop_timer()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:
            self._count(len(name) + len(value))
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            self._give_up(BadRequest("A request names its host once (header `Host`)."))
        super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        self._elsewhere = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_body = False
        self._elsewhere = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text
        if isinstance(getattr(sys.exc_info()[1], "__context__", None), MemoryError):  # which is not the request's fault
            self._complaint = Unavailable("The service has no memory for this now.")
        self._refuse(self._complaint or BadRequest("This is no request of HTTP/1.1."))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        async def answered(scope: Any, receive: Any, send: Any) -> None:
            async def answer(message: Any) -> None:
                if self.transport.is_closing():  # uvloop says so later than it ceases to take anything
                    cycle.disconnected = True
                await send(message)

            await app(scope, receive, answer)

        self._running = cycle
        super()._start_asgi_task(cycle, answered)

    def _unsupported_upgrade_warning(self) -> None:
        """Such as h2c, which curl asks for with --http2: it is answered as if it had not."""

    def _is_answering(self) -> bool:
        return self._running is not None and not self._running.response_complete

    def _count(self, size: int) -> None:
        self._head += size
        if self._head > HEAD_BYTES:
            self._give_up(_too_large())

    def _give_up(self, error: AttuneError) -> None:
        self._complaint = error
        raise error

    def _refuse(self, error: AttuneError) -> None:
        """Read no more requests. What is broken is answered with `error`, unless that might be taken for the answer to
        another; a whole request before it gets its own answer."""
        self._is_refused = True
        self._stop_timer()
        self._unset_keepalive_if_required()
        is_due = self._in_body and self.cycle is self._running and not self.cycle.response_started
        if is_due or not self._is_answering():
            self.transport.write(self._answer(error))
            # Unread bytes would make the kernel answer with a reset, and the client might never see why.
            self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(MAX_SECONDS, self.transport.abort)
            self._abandon()
        elif self._in_body:
            self.transport.close()
            self._abandon()
        else:
            self.cycle.keep_alive = False

    def _abandon(self) -> None:
        """Let the application know that nobody waits for its answers."""
        self.pipeline.clear()
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _answer(self, error: AttuneError) -> bytes:
        body = problem(error).model_dump_json().encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        return b"".join([STATUS_LINE[error.status], *(b"%s: %s\r\n" % header for header in headers), b"\r\n", body])

    def _set_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self._on_time)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self) -> None:
        if self._elsewhere:
            self._refuse(HeadTimeout(f"The head of the request did not come within {HEAD_SECONDS:g} seconds."))
        else:
            self.transport.close()


def _too_large() -> HeadTooLarge:
    return HeadTooLarge(f"The line and the headers of a request may have {HEAD_BYTES} bytes.")
