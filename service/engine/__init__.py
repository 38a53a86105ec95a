"""Crops, log-mel frames and state to probabilities, attention and the next state (onnxruntime)."""

import os

# From 1.29 on the official wheels send usage data to their maker and keep a store of it in the user's cache, unless
# this is set before the library is loaded. Nothing here may talk to anybody, so it is not a default but a fact.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from service.engine.batching import Batch
from service.engine.engine import Engine, Model
from service.engine.metadata import ModelMetadata
from service.engine.providers import ProviderChoice
from service.engine.rescue import Fate
from service.engine.types import Faces, FusionInputs, FusionOutputs, States

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
    "States",
]
