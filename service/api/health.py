"""Whether the process lives and whether it can take work."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.api.problems import responses
from service.api.state import ServiceDep
from service.errors import Unavailable

router = APIRouter(prefix="/health", tags=["operation"])


class Health(BaseModel):
    """The answer while all is well."""

    status: Literal["live", "ready"] = Field(description="What was asked about.")


@router.get("/live")
async def live() -> Health:
    """200 while the process answers requests at all."""
    return Health(status="live")


@router.get("/ready", responses=responses(Unavailable))
async def ready(service: ServiceDep) -> Health:
    """200 once a warm-up inference has run, while a decoding process is ready."""
    if not service.ready:
        raise Unavailable("The model is not warm, or no decoding process is running.")
    return Health(status="ready")
