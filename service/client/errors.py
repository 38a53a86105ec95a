"""What can go wrong with a session, as typed errors with the codes of the service."""

import json

from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus

from service import errors
from service.errors import AttuneError
from service.protocol.messages import ErrorMessage


class ConnectionFailed(AttuneError):
    """No server could be reached, or the connection was lost and could not be replaced in time."""

    code, status, title = "connection_failed", 503, "No connection"


class SessionFailed(AttuneError):
    """The server ended the session for a reason that this version does not know; `detail` begins with its code."""

    code, status, title = "session_failed", 500, "Session failed"


class Lost(Exception):
    """A connection was refused or broke in a way that another one may mend. Never leaves this package."""

    def __init__(self, error: AttuneError) -> None:
        super().__init__(error.detail)
        self.error = error
        """What the caller is told where nothing mends it."""


TRANSIENT = frozenset(
    {
        "busy",
        "draining",
        "idle_timeout",
        "internal_error",
        "quota_exceeded",
        "rate_limited",
        "slow_client",
        "unavailable",
        "worker_failed",
    }
)
"""Codes after which the session goes on with the next connection."""

ELSEWHERE = frozenset({"token_invalid", "token_foreign_model"})
"""Codes that one replica may answer and another not, while a new version is rolled out."""

_KINDS: dict[str, type[AttuneError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AttuneError) and kind is not AttuneError
}


def error_of(message: ErrorMessage) -> AttuneError:
    """The error that a fatal message tells of, in the class that the service itself raises."""
    kind = _KINDS.get(message.code)
    if kind is None:
        return SessionFailed(f"{message.code}: {message.detail}", retry_after=message.retry_after)
    return kind(message.detail, retry_after=message.retry_after, sequence=message.sequence)


def refusal_of(answer: InvalidStatus) -> AttuneError | Lost:
    """What a handshake refused with an HTTP status means; `Lost` where a later try may succeed."""
    response = answer.response
    try:
        problem = json.loads(bytes(response.body or b""))
        error = _KINDS[problem["code"]](str(problem["detail"]), retry_after=_seconds(response.headers))
    except (ValueError, LookupError, TypeError):
        error = _plain_refusal(response.status_code, _seconds(response.headers))
    return Lost(error) if error.code in TRANSIENT or response.status_code in (429, 502, 503, 504) else error


def _plain_refusal(status: int, retry_after: int | None) -> AttuneError:
    if status == 401:
        return errors.Unauthorized("The server asks for a valid API key.")
    return ConnectionFailed(f"The server answered with HTTP status {status}.", retry_after=retry_after)


def _seconds(headers: Headers) -> int | None:
    text = headers.get("Retry-After", "")
    return int(text) if text.isdecimal() else None
