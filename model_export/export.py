"""Networks to ONNX files that the service accepts: explicit state, dynamic axes, metadata."""

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from torch import Tensor, nn

from model_export.face_network import ExportedFaceEncoder
from model_export.fusion_network import FusionNetwork, FusionOutput
from service.engine.metadata import PREFIX, expected
from service.representation import CROP_SIZE, LABELS, MEL_BINS, MELS_PER_STEP, WINDOW

OPSET: Final = 17
LICENCE: Final = "non-commercial research only (trained on RAVDESS, CC BY-NC-SA 4.0, and on research-only data)"


@dataclass(frozen=True, slots=True)
class Release:
    """What is written into both files beside the shapes."""

    version: str
    training_data: str
    uncertain_below: float
    name: str = "attune"


def export_face_encoder(encoder: ExportedFaceEncoder, path: Path, release: Release) -> None:
    """Write face_encoder.onnx: crops uint8 [N, 48, 48] -> embedding [N, E], probabilities [N, 7]."""
    crops = torch.zeros(2, CROP_SIZE, CROP_SIZE, dtype=torch.uint8)
    _export(
        encoder.eval(),
        (crops,),
        path,
        inputs={"crops": ["batch"]},
        outputs={"embedding": ["batch"], "probabilities": ["batch"]},
    )
    _describe(path, release, role="face_encoder", embedding_size=encoder.embedding_size)


def export_fusion(network: FusionNetwork, path: Path, release: Release) -> None:
    """Write fusion.onnx; docs/architecture.md lists its inputs and outputs."""
    timed = ["batch", "steps"]
    _export(
        network.eval(),
        example_inputs(network, people=2, steps=3),
        path,
        inputs={
            **dict.fromkeys(("face", "face_present", "mel", "sound_present"), timed),
            "heard": ["batch", "heard_steps"],
            "baseline": ["batch"],
            "decay": ["batch"],
            "state": ["batch"],
        },
        outputs={name: timed if name != "next_state" else ["batch"] for name in FusionOutput._fields},
    )
    _describe(
        path,
        release,
        role="fusion",
        embedding_size=network.embedding_size,
        state_size=network.state_size,
        sound_state_size=network.sound_state_size,
    )


def example_inputs(network: FusionNetwork, *, people: int, steps: int) -> tuple[Tensor, ...]:
    """Inputs of the fusion network in order, random where that makes sense, at the beginning of time."""
    flags = [(torch.rand(people, length) > 0.3).float() for length in (steps, steps, WINDOW - 1 + steps)]
    return (
        torch.randn(people, steps, network.embedding_size),
        flags[0],
        torch.randn(people, steps, MELS_PER_STEP, MEL_BINS) * 3 - 6,
        flags[1],
        flags[2],
        torch.cat([-8 * torch.rand(people, len(LABELS)), torch.rand(people, 1)], dim=1),
        torch.full((people,), -0.02),
        torch.zeros(people, network.state_size),
    )


def _export(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    path: Path,
    *,
    inputs: dict[str, list[str]],
    outputs: dict[str, list[str]],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but the new one can freeze the time axis; the tracer also notes that
        # an LSTM exported with a variable batch needs its state as an input, which it has.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            arguments,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(enumerate(axes)) for name, axes in (inputs | outputs).items()},
        )


def _describe(path: Path, release: Release, **own: Any) -> None:
    values: dict[str, Any] = {
        **expected(),
        "name": release.name,
        "version": release.version,
        "training_data": release.training_data,
        "licence": LICENCE,
        "uncertain_below": release.uncertain_below,
        "state_size": 0,
        "sound_state_size": 0,
        **own,
    }
    model = onnx.load(str(path))
    onnx.helper.set_model_props(
        model,
        {PREFIX + key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()},
    )
    model.doc_string = release.training_data
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
