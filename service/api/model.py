"""GET /v1/model: what gives the numbers."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service.api.problems import responses
from service.api.state import ServiceDep
from service.domain import Provider
from service.errors import Unavailable
from service.representation import CROP_SIZE, LABELS, REPRESENTATION_VERSION, SAMPLE_RATE, STEP_RATE, WINDOW, Label

router = APIRouter(tags=["model"])


class ModelCard(BaseModel):
    """The model, its input grid and where it comes from."""

    name: str = Field(description="Name of the model.")
    version: str = Field(description="Version of the weights.")
    provider: Provider = Field(description="Execution provider that runs the model.")
    labels: list[Label] = Field(description="The expressed emotions, in the model's order.")
    representation: int = Field(description="Version of the input representation.")
    sample_rate: int = Field(description="Samples of sound per second (hertz).")
    step_rate: int = Field(description="Steps of the model's grid per second of media.")
    crop_size: int = Field(description="Side of a face crop in pixels.")
    window: float = Field(description="Seconds of sound that one step aligns with.")
    uncertain_below: float = Field(ge=0, le=1, description="Confidence under which a summary is `uncertain`.")
    training_data: str = Field(description="What the model was trained on.")
    licence: str = Field(description="Terms under which the weights may be used.")


@router.get("/v1/model", responses=responses(Unavailable))
async def model(service: ServiceDep) -> ModelCard:
    """The model that this service runs."""
    fusion = service.engine.fusion
    return ModelCard(
        name=fusion.name,
        version=fusion.version,
        provider=service.engine.provider,
        labels=list(LABELS),
        representation=REPRESENTATION_VERSION,
        sample_rate=SAMPLE_RATE,
        step_rate=STEP_RATE,
        crop_size=CROP_SIZE,
        window=WINDOW / STEP_RATE,
        uncertain_below=fusion.uncertain_below,
        training_data=fusion.training_data,
        licence=fusion.licence,
    )
