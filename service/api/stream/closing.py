"""How a session's failures are told: an `error` message, and the code that the connection is closed with."""

from http import HTTPStatus
from typing import Final

from service.api.problems import RETRY_AFTER
from service.errors import AttuneError, Draining
from service.protocol.messages import ErrorMessage

DONE: Final = 1000
UNSUPPORTED: Final = 1003
NOT_ALLOWED: Final = 1008
TOO_LARGE: Final = 1009
FAILED: Final = 1011
RESTARTING: Final = 1012
OVERLOADED: Final = 1013

_CODES: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED,
    HTTPStatus.UNPROCESSABLE_ENTITY: UNSUPPORTED,
    HTTPStatus.TOO_MANY_REQUESTS: OVERLOADED,
    HTTPStatus.SERVICE_UNAVAILABLE: OVERLOADED,
}


def close_code(error: AttuneError) -> int:
    """The code that a session is closed with after a fatal error: by the error's HTTP status, but for a drain."""
    if isinstance(error, Draining):
        return RESTARTING
    return _CODES.get(HTTPStatus(error.status), NOT_ALLOWED if error.status < 500 else FAILED)


def leaving() -> Draining:
    """Why a session ends when the service drains. There is nothing to wait for: another replica goes on at once."""
    return Draining("The service stops; go on elsewhere from the last checkpoint, or here in a moment.", retry_after=0)


def error_message(error: AttuneError, *, fatal: bool) -> ErrorMessage:
    """What the client is told of an error; one that may pass says when to try again."""
    passes = error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return ErrorMessage(
        code=error.code,
        title=error.title,
        detail=error.detail,
        fatal=fatal,
        sequence=error.sequence,
        retry_after=(RETRY_AFTER if error.retry_after is None else error.retry_after) if passes and fatal else None,
    )
