"""What operators alone may ask, on a port of its own: the metrics, and that the service drains."""

from typing import Final

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field

from service.api import operation, problems
from service.api.drain import Phase
from service.api.origins import LocalNames, is_local
from service.api.requests import Requests
from service.api.state import ServiceDep
from service.api.tracing import telemetry
from service.errors import OriginNotAllowed
from service.settings import Settings

_FOR_THIS_MACHINE: Final = "At a loopback address the admin port answers to `localhost` and loopback addresses alone."

router = APIRouter()


class DrainState(BaseModel):
    """How far the service has got with leaving, and what it still waits for."""

    phase: Phase = Field(
        description="`leaving`: not ready, else as ever; `closed`: listening no longer; `over`: ending what still runs."
    )
    analyses: int = Field(ge=0, description="Analyses running now.")
    sessions: int = Field(ge=0, description="Live sessions open now.")


@router.post("/internal/drain", status_code=202)
async def drain(request: Request, service: ServiceDep) -> DrainState:
    """Begin to leave, as SIGTERM does; where that has begun, only tell how far it is."""
    if "origin" in request.headers:  # browsers send it with every POST, and let any page make one to any address
        raise OriginNotAllowed("No page may stop the service.")
    service.drain.begin()
    return DrainState(phase=service.drain.phase, analyses=service.admission.active, sessions=service.sessions.active)


def create_admin(app: FastAPI, settings: Settings) -> FastAPI:
    """The application of the admin port, about the service that `app` runs."""
    admin = FastAPI(title="Attune: operation", openapi_url=None, telemetry=telemetry(None))
    admin.state = app.state
    for one in (operation.health, operation.metrics, router):
        admin.include_router(one)
    problems.install(admin)
    if is_local(settings.admin_host):
        admin.add_middleware(LocalNames, detail=_FOR_THIS_MACHINE)
    admin.add_middleware(Requests)
    return admin
