"""Around every request: an id of its own, a line in the log, a count in the metrics, and an answer to defects."""

import logging
import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import internal_error, problem_response
from service.api.state import Service
from service.api.tracing import mark, trace_id
from service.logs import about, note, noted

REQUEST_ID: Final = "X-Request-ID"

CLIENT_LEFT: Final = 499
"""Status of a request whose client left before it was answered; nginx's number for the same."""
SWITCHED: Final = 101

_SAFE: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_WORK: Final = ("/v1/", "/internal/")
_INTERFACE: Final = (*_WORK, "/health/", "/metrics")
_LOG = logging.getLogger(__name__)


class Requests:
    """ASGI middleware, the outermost, so that what others refuse is counted too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        shown = Headers(scope=scope).get(REQUEST_ID, "")
        name = shown if _SAFE.fullmatch(shown) else uuid.uuid4().hex
        with about(request=name):
            if (traced := trace_id()) is not None:
                note(trace=traced)
                mark(request=name)
            await _Request(scope, send, name).run(self._app, receive)


class _Request:
    """One request, or handshake of a WebSocket, until it is answered."""

    def __init__(self, scope: Scope, send: Send, name: str) -> None:
        self._scope = scope
        self._send = send
        self._name = name
        self._began = time.monotonic()
        self._status = 0

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        """Raises a defect only where something has been answered already. Those of routes are answered by `Defects`;
        what gets here is one of the middleware in between."""
        is_http = self._scope["type"] == "http"
        try:
            await app(self._scope, receive, self._answer)
        except Exception as error:
            if self._status or not is_http:
                raise
            await problem_response(internal_error(error))(self._scope, receive, self._answer)
        finally:
            if is_http:
                self._close()

    async def _answer(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            headers[REQUEST_ID] = self._name
            message = {**message, "headers": headers.raw}
            self._status = message.get("status", SWITCHED)
            mark(code=noted().get("code", "ok"))  # the span ends with the answer
            if kind != "http.response.start":
                self._close()
        await self._send(message)

    def _close(self) -> None:
        """Count the request and log it."""
        status = self._status or CLIENT_LEFT
        if status == CLIENT_LEFT:  # in place of the error that nobody was left to be told of
            note(code="cancelled")
        code = noted().get("code", "ok")
        route = _route(self._scope, status)
        service: Service | None = getattr(self._scope["app"].state, "service", None)
        if service is not None:
            service.metrics.requests.labels(route, str(status), code).inc()
        seconds = round(time.monotonic() - self._began, 6)
        method = self._scope.get("method", "WS")
        fields = {"method": method, "route": route, "status": status, "code": code, "seconds": seconds}
        level = logging.INFO if self._scope["path"].startswith(_WORK) else logging.DEBUG
        _LOG.log(level, "%s %s: %d %s in %.3f s", method, route, status, code, seconds, extra=fields)


def _route(scope: Scope, status: int) -> str:
    """The path of the interface that was asked for, as its description has it: never what the caller wrote."""
    path = str(getattr(scope.get("route"), "path", ""))
    if path.startswith(_INTERFACE):
        return path
    # Below the interface, what was answered before it came to a route: by CORS, to a foreign origin.
    return "other" if status >= 400 or scope["path"].startswith(_INTERFACE) else "page"
