"""Crops, log-mel frames and state to probabilities, attention and the next state (onnxruntime)."""

from service.engine.engine import Engine, Faces, FusionInputs, FusionOutputs
from service.engine.metadata import ModelMetadata
from service.engine.providers import ProviderChoice

__all__ = ["Engine", "Faces", "FusionInputs", "FusionOutputs", "ModelMetadata", "ProviderChoice"]
