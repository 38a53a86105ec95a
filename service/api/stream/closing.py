"""How a session's failures are told: an `error` message, and the code that the connection is closed with."""

from http import HTTPStatus
from typing import Final

from service.api.problems import RETRY_AFTER
from service.errors import AttuneError
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


def close_code(error: AttuneError, *, stopping: bool) -> int:
    """The code that a session is closed with after a fatal error, by the error's HTTP status.

    `stopping`: whether the service has been told to stop; then what it cannot do now is done by another soon.
    """
    if stopping and error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return RESTARTING
    return _CODES.get(HTTPStatus(error.status), NOT_ALLOWED if error.status < 500 else FAILED)


def error_message(error: AttuneError, *, fatal: bool) -> ErrorMessage:
    """What the client is told of an error; one that may pass says when to try again."""
    passes = error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
    return ErrorMessage(
        code=error.code,
        title=error.title,
        detail=error.detail,
        fatal=fatal,
        sequence=error.sequence,
        retry_after=(error.retry_after or RETRY_AFTER) if passes and fatal else None,
    )
