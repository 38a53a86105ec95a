"""POST /v1/analyses: a recording in, the expressed emotions of the people in it out."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from service import errors
from service.analysis import Recording
from service.api.events import EventStream
from service.api.pipeline import Pipeline, Progress
from service.api.problems import internal_error, responses
from service.api.state import Service, ServiceDep
from service.api.upload import Upload
from service.domain import FaceChoice
from service.errors import AttuneError, Draining
from service.representation import DEFAULT_HORIZON, MIN_HORIZON, STEP_RATE
from service.timeline import AnalysisResult
from service.workers import SessionOptions

_LOG = logging.getLogger(__name__)
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_REQUEST_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "The recording, raw or as the part `file` of a form. It is processed while it arrives.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary", "description": "The recording."}},
            }
        },
        "application/octet-stream": _BINARY,
        "video/*": _BINARY,
        "audio/*": _BINARY,
    },
}
_EVENTS: Final = {
    "text/event-stream": {
        "schema": {
            "type": "string",
            "description": "`progress` events {seconds of media analysed, people so far}, then one `result` event "
            "(an AnalysisResult) or one `error` event (a Problem). Lines that begin with a colon keep the connection.",
        }
    }
}
_ERRORS: Final = (
    errors.BodyTimeout,
    errors.BodyTooLarge,
    errors.MediaTooLong,
    errors.PictureTooLarge,
    errors.UnsupportedMedia,
    errors.InvalidRequest,
    errors.EmptyBody,
    errors.MediaUnreadable,
    errors.MediaTruncated,
    errors.NoMedia,
    errors.FrameRateTooHigh,
    errors.Busy,
    errors.RateLimited,
    errors.WorkerFailed,
    errors.InternalError,
    errors.Draining,
    errors.Unavailable,
)

router = APIRouter(tags=["analysis"])


class AnalysisOptions(BaseModel):
    """How to analyse a recording."""

    model_config = ConfigDict(extra="forbid")

    faces: FaceChoice = Field(
        default="all", description="Which faces become people: every one, or at each step the largest."
    )
    timeline_fps: float | None = Field(
        default=None,
        gt=0,
        le=STEP_RATE,
        allow_inf_nan=False,
        description=f"Timeline steps per second of media in the answer; {STEP_RATE} when left out.",
    )
    horizon: float = Field(
        default=DEFAULT_HORIZON,
        ge=MIN_HORIZON,
        allow_inf_nan=False,
        description="Seconds of media after which a past step weighs 1/e in the timeline. The summary never forgets.",
    )


@router.post(
    "/v1/analyses",
    response_model=AnalysisResult,
    responses={200: {"description": "The result.", "content": _EVENTS}, **responses(*_ERRORS)},
    openapi_extra={"requestBody": _REQUEST_BODY},
)
async def analyse_recording(
    request: Request, options: Annotated[AnalysisOptions, Query()], service: ServiceDep
) -> Response:
    """Analyse one recording. Nothing of it is stored after the answer."""

    async def run(on_progress: Progress) -> bytes:
        return await _analyse(service, request, options, on_progress)

    if wants_events(request.headers.get("accept", "")):
        return EventStream(run)
    try:
        result = await run(lambda _seconds, _people: None)
    except ClientDisconnect:
        return Response(status_code=499)  # nobody is left to see it
    return Response(result, media_type="application/json", headers={"Cache-Control": "no-store"})


def wants_events(accept: str) -> bool:
    """Whether an Accept header names text/event-stream and does not prefer JSON. Anything else gets JSON."""
    weights = {"text/event-stream": 0.0, "application/json": 0.0}
    for entry in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            weights[kind] = float(weight)
        except ValueError:
            weights[kind] = 0.0
    return 0.0 < weights["text/event-stream"] >= weights["application/json"]


async def _analyse(service: Service, request: Request, options: AnalysisOptions, on_progress: Progress) -> bytes:
    settings = service.settings
    with _account(service) as account:
        upload = account.upload = Upload(
            request.headers, request.receive, max_bytes=settings.max_upload_bytes, timeout=settings.body_timeout
        )
        if service.drain.refuses_work:
            raise Draining("The service takes no new work before it stops; another one does.")
        service.check()
        with service.admission.slot():
            account.has_slot = True
            recording = Recording(service.engine, horizon=options.horizon, timeline_fps=options.timeline_fps)
            wanted = SessionOptions(settings.media_limits(), options.faces, settings.spool_dir, upload.size)
            waiting = time.monotonic()
            with service.tracer.start_as_current_span("queue", record_exception=False):
                session = await service.pool.open_session(wanted)
            service.metrics.stages["analysis"].queue.observe(time.monotonic() - waiting)
            async with session:
                with service.tracer.start_as_current_span("analyse", record_exception=False):
                    return await Pipeline(service, upload, session, recording, on_progress).run()


class _Account:
    """What one request's bookkeeping needs to know of it."""

    upload: Upload | None = None
    has_slot = False


@contextmanager
def _account(service: Service) -> Iterator[_Account]:
    """Count and log one analysis by its outcome; turn what nobody expected into an `AttuneError`."""
    account, outcome, started = _Account(), "cancelled", time.monotonic()
    try:
        yield account
        outcome = "ok"
    except AttuneError as error:
        outcome = error.code
        raise
    except ClientDisconnect:
        raise
    except Exception as error:
        failure = internal_error(error)
        outcome = failure.code
        raise failure from error
    finally:
        seconds = time.monotonic() - started
        received = account.upload.received if account.upload else 0
        service.metrics.analyses.labels(outcome).inc()
        if account.has_slot:  # refusals, which take no time, would make analyses look fast
            service.metrics.total.observe(seconds)
        service.metrics.received.inc(received)
        fields = {"outcome": outcome, "bytes": received, "seconds": round(seconds, 6)}
        _LOG.info("analysis %s: %d bytes in %.2f s", outcome, received, seconds, extra=fields)
