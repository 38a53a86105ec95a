"""The application: routes, errors, start and stop."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service import __version__
from service.api import analyses, model, operation, problems, static, stream, tokens, tracing
from service.api.drain import Drain, LastAnswers
from service.api.keys import AUTHORIZED
from service.api.linger import LingeringClose
from service.api.origins import CrossOrigin, LocalNames
from service.api.requests import Requests
from service.api.state import running
from service.errors import AttuneError, HostNotAllowed, OriginNotAllowed, RateLimited, Unauthorized
from service.settings import Settings

_LOG = logging.getLogger(__name__)
_DESCRIPTION: Final = (
    "Which of seven emotions the people in a recording express, when, and on what evidence. Times are seconds from the "
    "start of the media, probabilities sum to 1, boxes are fractions of the picture. Errors are RFC 9457 problem "
    "details with a stable `code`."
)


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application. Its lifespan loads the model and starts the decoding processes, or raises why it cannot.

    Its `state` holds the `drain` by which it leaves, and the `service` while that runs.
    """
    drain, traces = Drain(settings), tracing.provider_of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with running(settings, drain, tracing.tracer_of(traces)) as service:
                app.state.service = service
                yield
                del app.state.service
        except AttuneError as error:
            _LOG.critical("cannot start: %s (%s)", error.detail, error.code)
            raise
        finally:
            await tracing.flush(traces)

    app = FastAPI(
        title="Attune",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # they would lead to wherever `Host` says, and away from https
        telemetry=tracing.telemetry(traces),
    )
    app.state.drain = drain
    refusals = problems.responses(Unauthorized, OriginNotAllowed, HostNotAllowed, RateLimited)
    for module in (analyses, model):
        app.include_router(module.router, dependencies=[AUTHORIZED], responses=refusals)
    app.include_router(tokens.router, responses=refusals)
    app.include_router(operation.health)
    if settings.admin_port is None:
        app.include_router(operation.metrics)
    app.include_router(stream.router)
    problems.install(app)
    static.install(app)
    app.add_middleware(CrossOrigin, allowed=settings.origins())
    if settings.for_this_machine:
        app.add_middleware(LocalNames)
    app.add_middleware(LingeringClose)
    app.add_middleware(static.BrowserHeaders)
    app.add_middleware(LastAnswers, drain=drain)
    app.add_middleware(Requests)  # the last added is the outermost: what others refuse is counted, too
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's schema, with errors under the media type that they have."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    if int(status) >= 400 and "content" in response:
                        [content] = response["content"].values()  # under the type of the operation's own answer
                        response["content"] = {problems.MEDIA_TYPE: content}
        app.openapi_schema = schema
    return app.openapi_schema
