"""For those who run the service: whether it lives, whether it can take work, and its metrics."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from service.api.metrics import MEDIA_TYPE
from service.api.problems import responses
from service.api.state import ServiceDep
from service.errors import Draining, Unavailable

health = APIRouter(tags=["operation"])
metrics = APIRouter(tags=["operation"])


class Health(BaseModel):
    """The answer while all is well."""

    status: Literal["live", "ready"] = Field(description="What was asked about.")


@health.get("/health/live")
async def live() -> Health:
    """200 while the process answers requests at all."""
    return Health(status="live")


@health.get("/health/ready", responses=responses(Draining, Unavailable))
async def ready(service: ServiceDep) -> Health:
    """200 once a warm-up inference has run, while the model works and a decoding process is ready, until the service is
    told to stop."""
    if service.drain.has_begun:
        raise Draining("The service has been told to stop.")
    if not service.ready:
        raise Unavailable("The model is not warm or has failed, or no decoding process is running.")
    return Health(status="ready")


@metrics.get("/metrics", response_class=PlainTextResponse, responses=responses(Unavailable))
async def read_metrics(service: ServiceDep) -> PlainTextResponse:
    """Metrics in Prometheus' text format."""
    return PlainTextResponse(service.metrics.text(), media_type=MEDIA_TYPE)
