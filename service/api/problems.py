"""Every error as RFC 9457 problem details with a stable `code`."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NoReturn

from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import AttuneError, InternalError, InvalidRequest, Unavailable
from service.logs import note

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = 2
"""Seconds to wait where an error that may pass names none."""

_NO_THREAD: Final = "can't start new thread"
"""Of the RuntimeError that Python raises where a thread's stack finds no room."""

_LOG = logging.getLogger(__name__)


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="URI of the kind of problem: `urn:attune:problem:` and the code.")
    title: str = Field(description="The kind of problem in a few words; the same for every occurrence.")
    status: int = Field(description="HTTP status code; inside an event stream, the one that it would have been.")
    detail: str = Field(description="What happened this time, for people.")
    code: str = Field(description="Stable name of the kind of problem, for programs.")


def problem(error: AttuneError) -> Problem:
    """The problem details of an error."""
    return _problem(error.status, error.code, error.title, error.detail)


def problem_of(status: HTTPStatus, detail: str) -> Problem:
    """The problem details of what has no error of its own: the code is the status in words."""
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    return _problem(status, code, status.phrase, detail)


def problem_response(error: AttuneError) -> Response:
    """The whole response for an error; 429 and 503 carry Retry-After, 401 how to authenticate."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else {}
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(error.retry_after or RETRY_AFTER)
    return _response(problem(error), headers)


def responses(*errors: type[AttuneError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries that name the codes behind each status."""
    entries: dict[int | str, dict[str, Any]] = {}
    for error in sorted(errors, key=lambda error: error.status):
        line = f"`{error.code}`: {(error.__doc__ or '').strip()}"
        entry = entries.setdefault(error.status, {"model": Problem, "description": ""})
        entry["description"] = "\n\n".join(filter(None, (entry["description"], line)))
    return entries


class Defects:
    """ASGI middleware, the innermost, so that the answer to a defect gets what the others add to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            if has_begun or scope["type"] != "http":
                raise
            await problem_response(internal_error(error))(scope, receive, send)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with problem details. To be called when it has its routes, and no middleware yet."""

    # Starlette would close it without a word; for HTTP it raises the same by itself.
    @app.websocket("/{path:path}")
    async def unknown_path(_: WebSocket) -> NoReturn:
        raise HTTPException(HTTPStatus.NOT_FOUND)

    app.add_middleware(Defects)

    @app.exception_handler(AttuneError)
    async def attune_error(_: Request, error: AttuneError) -> Response:
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def validation_error(_: Request, error: RequestValidationError) -> Response:
        return problem_response(InvalidRequest("; ".join(_complaint(entry) for entry in error.errors())))

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        return _response(problem_of(status, status.description or status.phrase), error.headers)


def internal_error(error: Exception) -> AttuneError:
    """What a caller is told of what nobody expected; the log gets the rest. Want of memory passes: `Unavailable`."""
    _LOG.error("internal error", exc_info=error)
    if isinstance(error, MemoryError) or str(error) == _NO_THREAD:
        return Unavailable("The service has no memory for this now.")
    return InternalError("The service met an unexpected error.")


def _complaint(entry: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in entry["loc"])
    return f"{place}: {entry['msg']}"


def _problem(status: int, code: str, title: str, detail: str) -> Problem:
    note(code=code)
    return Problem(type=f"urn:attune:problem:{code}", title=title, status=status, detail=detail, code=code)


def _response(body: Problem, headers: Mapping[str, str] | None) -> Response:
    return Response(
        body.model_dump_json(),
        status_code=body.status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), "Cache-Control": "no-store"},
    )
