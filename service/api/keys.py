"""Who may use /v1: callers that show one of the API keys, or everybody where there are none."""

import hmac
from base64 import urlsafe_b64decode
from binascii import Error
from typing import Annotated, Final

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.api.state import ServiceDep
from service.errors import Unauthorized

KEY_PREFIX: Final = "attune.key."
"""What a WebSocket subprotocol begins with that carries a key, for browsers, which can send no header."""

_BEARER: Final = HTTPBearer(auto_error=False, description="One of the service's API keys, where it asks for one.")


def check_key(shown: str | None, keys: tuple[str, ...]) -> str:
    """The key that was shown, "" where none is asked for. Raises `Unauthorized`. Takes the same time for any key."""
    if not keys:
        return ""
    shown_bytes = (shown or "").encode()
    # Every key is compared, so that the time does not tell which one was nearly right.
    matches = [key for key in keys if hmac.compare_digest(key.encode(), shown_bytes)]
    if not matches:
        raise Unauthorized("Show an API key of this service: `Authorization: Bearer KEY`.")
    return matches[0]


def key_of_handshake(authorization: str | None, subprotocols: list[str]) -> str | None:
    """The key in the headers of a WebSocket handshake: a bearer, or a subprotocol `attune.key.<base64url of it>`."""
    scheme, _, bearer = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip()
    for name in subprotocols:
        if name.startswith(KEY_PREFIX):
            text = name.removeprefix(KEY_PREFIX)
            try:
                return urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
            except (Error, ValueError):
                return None
    return None


def _authorized(
    service: ServiceDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    check_key(credentials.credentials if credentials is not None else None, service.settings.keys())


AUTHORIZED: Final = Depends(_authorized)
"""For routers: their endpoints answer 401 without a valid key."""
