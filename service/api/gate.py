"""Who a caller is: the holder of an API key, or of an access token that was made with one."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.api.signing import Signer
from service.credentials import ApiKey, digest_of
from service.errors import TokenExpired, TokenInvalid, Unauthorized

ANONYMOUS: Final = ""
"""The name of everybody, where no key is asked for."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a caller shows of itself."""

    bearer: str | None = None
    """From the header `Authorization`: a key or an access token."""
    token: str | None = None
    """From a subprotocol or the query of a WebSocket: an access token, never a key, since addresses are logged."""


class Gate:
    """Knows callers by what they show."""

    def __init__(self, keys: tuple[ApiKey, ...], signer: Callable[[], Signer], lifetime: float) -> None:
        """`keys`: none where anybody may come in. `signer`: made when the first access token needs it. `lifetime`: of
        access tokens, in seconds."""
        self._keys = keys
        self._signer = signer
        self._lifetime = lifetime

    def admit(self, shown: Shown) -> str:
        """The name of the caller's key. Raises `Unauthorized`."""
        if not self._keys:
            return ANONYMOUS
        if shown.bearer is not None:
            return (self._key(shown.bearer) or self._key_behind(shown.bearer)).name
        if shown.token is not None:
            return self._key_behind(shown.token).name
        raise Unauthorized("Show an API key of this service: `Authorization: Bearer KEY`.")

    def holder(self, shown: Shown) -> ApiKey:
        """The key that is shown itself; where none is asked for, nobody's. Raises `Unauthorized`, also for a token."""
        if not self._keys:
            return ApiKey(ANONYMOUS, b"")
        key = self._key(shown.bearer) if shown.bearer is not None else None
        if key is None:
            raise Unauthorized("Access tokens are made with an API key of this service: `Authorization: Bearer KEY`.")
        return key

    def token(self, key: ApiKey) -> str:
        """An access token for the holder of `key`."""
        return self._signer().make("access", b"", caller=_identity(key), lifetime=self._lifetime)

    def _key(self, shown: str) -> ApiKey | None:
        digest = digest_of(shown)
        # Every one is compared, and hashes at that, so that the time taken tells nothing of any key.
        matches = [key for key in self._keys if hmac.compare_digest(key.digest, digest)]
        return matches[0] if matches else None

    def _key_behind(self, token: str) -> ApiKey:
        """The key that a token was made with. Raises `Unauthorized`, also where that key is no longer one."""
        for key in self._keys:
            try:
                self._signer().open("access", token, caller=_identity(key))
            except TokenExpired:
                raise Unauthorized("This access token has expired; `POST /v1/tokens` makes a new one.") from None
            except TokenInvalid:
                continue
            return key
        raise Unauthorized("This is no API key of this service, and no access token made with one.")


def _identity(key: ApiKey) -> str:
    """Tells keys apart, also those of one name. A token holds what the signer makes of it, which tells nothing."""
    return f"{key.name}={key.digest.hex()}"
