"""Crops, log-mel frames and state to probabilities, attention and the next state (onnxruntime)."""

from service.engine.batching import Batch
from service.engine.engine import Engine, Faces, FusionInputs, FusionOutputs, Model
from service.engine.metadata import ModelMetadata
from service.engine.providers import ProviderChoice
from service.engine.rescue import Fate

__all__ = [
    "Batch",
    "Engine",
    "Faces",
    "Fate",
    "FusionInputs",
    "FusionOutputs",
    "Model",
    "ModelMetadata",
    "ProviderChoice",
]
