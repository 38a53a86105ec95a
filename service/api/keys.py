"""Who may use /v1: holders of API keys and of access tokens, or everybody where there are no keys."""

from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from service.api.gate import Shown
from service.api.state import Service, ServiceDep
from service.credentials import ApiKey
from service.logs import note

TOKEN_PREFIX: Final = "attune.token."  # noqa: S105 - no secret
"""What a WebSocket subprotocol begins with that carries an access token, for browsers, which can send no header."""
TOKEN_QUERY: Final = "token"  # noqa: S105 - no secret
"""The query parameter of a WebSocket's address that carries an access token."""

_BEARER: Final = HTTPBearer(
    auto_error=False,
    description="One of the service's API keys, where it asks for one, or an access token that `POST /v1/tokens` made.",
)


def shown_in_handshake(connection: HTTPConnection) -> Shown:
    """What the handshake of a WebSocket shows."""
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    offered = [
        name.removeprefix(TOKEN_PREFIX) for name in connection.scope["subprotocols"] if name.startswith(TOKEN_PREFIX)
    ]
    return Shown(
        bearer=bearer.strip() if scheme.lower() == "bearer" else None,
        token=offered[0] if offered else connection.query_params.get(TOKEN_QUERY),
    )


def note_caller(name: str) -> None:
    """Let the log say whose key it was; there is no name where no key is asked for."""
    if name:
        note(key=name)


async def _shown(bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> Shown:
    return Shown(bearer=bearer.credentials if bearer is not None else None)


async def _authorized(service: ServiceDep, shown: Annotated[Shown, Depends(_shown)]) -> None:
    _count(service, service.gate.admit(shown))


async def _key_of(service: ServiceDep, shown: Annotated[Shown, Depends(_shown)]) -> ApiKey:
    key = service.gate.holder(shown)
    _count(service, key.name)
    return key


def _count(service: Service, caller: str) -> None:
    note_caller(caller)
    service.quotas.count_request(caller)


AUTHORIZED: Final = Depends(_authorized)
"""For routers: their endpoints answer 401 without a valid key or token, 429 to a caller beyond its rate."""

KeyDep = Annotated[ApiKey, Depends(_key_of)]
"""The key that a request shows; 401 where it shows none, or a token in its place."""
