"""Which pages in browsers may use the service, and under which names it answers."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from service.api.problems import problem_response
from service.errors import AttuneError, HostNotAllowed, OriginNotAllowed

_PREFIX: Final = "/v1/"
_REMEMBERED: Final = 600
"""Seconds for which a browser may keep the answer to a preflight."""

_WITHOUT_KEYS: Final = (
    "Without API keys the service answers to `localhost` and loopback addresses alone; the settings `api_keys` and "
    "`allow_anonymous` change that."
)


class CrossOrigin:
    """ASGI middleware for /v1, WebSockets included: pages of other origins are refused, or get the headers of CORS.

    That a browser keeps a foreign answer from a page does not suffice: the upload would have been analysed by then, and
    WebSockets know no CORS.
    """

    def __init__(self, app: ASGIApp, *, allowed: Collection[str]) -> None:
        """`allowed`: origins beside the service's own; `*` for all."""
        self._app = app
        self._allowed = allowed
        self._shared = CORSMiddleware(
            app,
            allow_origins=sorted(allowed),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
            max_age=_REMEMBERED,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None or _is_own(origin, headers.get("host", "")):
            await self._app(scope, receive, send)
        elif origin in self._allowed or "*" in self._allowed:
            await self._shared(scope, receive, send)
        else:
            error = OriginNotAllowed(
                "Pages of this origin may not use the service; the setting `allowed_origins` says which may."
            )
            await _refuse(error, scope, receive, send)


class LocalNames:
    """ASGI middleware of what is open to everybody on its machine: it answers to names of that machine alone.

    The owner of another name may let it lead to 127.0.0.1 (DNS rebinding); a page under that name would then count as
    the service's own in the browser.
    """

    def __init__(self, app: ASGIApp, *, detail: str = _WITHOUT_KEYS) -> None:
        """`detail`: what callers by other names are told."""
        self._app = app
        self._detail = detail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host") if scope["type"] != "lifespan" else None
        if host is None or is_local(_name_in(host)):
            await self._app(scope, receive, send)
        else:
            await _refuse(HostNotAllowed(self._detail), scope, receive, send)


def is_local(name: str) -> bool:
    """Whether the name or address of a host can only mean this machine."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _name_in(host: str) -> str:
    """The name in a Host header, without its port; "" for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own(origin: str, host: str) -> bool:
    """Whether a page of `origin` came from here. The scheme is left out: a proxy may have taken TLS off."""
    try:
        return host != "" and urlsplit(origin).netloc == host
    except ValueError:  # it is no URL
        return False


async def _refuse(error: AttuneError, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem_response(error)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
