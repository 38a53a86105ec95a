"""What an ONNX file says about itself, and whether it fits this service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service import representation
from service.errors import ModelMismatch

PREFIX: Final = "attune."


def expected() -> dict[str, Any]:
    """The part of the metadata that a model file and this service must agree on, by key without prefix."""
    return {
        "representation": representation.REPRESENTATION_VERSION,
        "labels": list(representation.LABELS),
        "sample_rate": representation.SAMPLE_RATE,
        "step_rate": representation.STEP_RATE,
        "mel_bins": representation.MEL_BINS,
        "mels_per_step": representation.MELS_PER_STEP,
        "mel_shift": representation.MEL_SHIFT,
        "mel_window": representation.MEL_WINDOW,
        "mel_lead": representation.MEL_LEAD,
        "window": representation.WINDOW,
        "crop_size": representation.CROP_SIZE,
        "left_eye": list(representation.LEFT_EYE),
        "right_eye": list(representation.RIGHT_EYE),
    }


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """The fields that the service reads from a model file."""

    name: str
    version: str
    role: str
    embedding_size: int
    state_size: int
    """Floats in the state of one person; 0 for the face encoder."""
    sound_state_size: int
    """How many of the first floats of the state depend on sound alone."""
    uncertain_below: float
    """Confidence under which a summary is `uncertain`."""
    training_data: str
    licence: str


def read_metadata(properties: Mapping[str, str], *, role: str, file: str) -> ModelMetadata:
    """Check `properties` (an ONNX file's metadata_props) against the service and return what it needs.

    Raises `ModelMismatch` naming the first key that is missing, damaged or different.
    """

    def value(key: str) -> Any:
        try:
            return json.loads(properties[PREFIX + key])
        except KeyError:
            raise ModelMismatch(f"{file} has no metadata {PREFIX + key}") from None
        except json.JSONDecodeError:
            return properties[PREFIX + key]

    for key, wanted in expected().items():
        if (found := value(key)) != wanted:
            raise ModelMismatch(f"{file} has {PREFIX + key} = {found!r}, the service needs {wanted!r}")
    if (found := value("role")) != role:
        raise ModelMismatch(f"{file} is a {found!r} model, not a {role!r} model")
    try:
        return ModelMetadata(
            name=str(value("name")),
            version=str(properties[PREFIX + "version"]),
            role=role,
            embedding_size=int(value("embedding_size")),
            state_size=int(value("state_size")),
            sound_state_size=int(value("sound_state_size")),
            uncertain_below=float(value("uncertain_below")),
            training_data=str(value("training_data")),
            licence=str(value("licence")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelMismatch(f"{file} has damaged metadata: {error}") from error
