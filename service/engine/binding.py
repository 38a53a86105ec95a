"""Runs whose inputs and outputs are bound to the device (onnxruntime's I/O binding)."""

from collections.abc import Mapping
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray


def run_bound(
    session: ort.InferenceSession,
    arrays: Mapping[str, NDArray[Any]],
    placed: Mapping[str, ort.OrtValue],
    *,
    outputs: Mapping[str, str | ort.OrtValue],
) -> list[ort.OrtValue]:
    """Run `session` with inputs that are copied to its device and inputs that are there, and return its `outputs` in
    order: each says on which device (`cpu`, `cuda`) it is left, or into which value it is written."""
    binding = session.io_binding()
    for name, array in arrays.items():
        binding.bind_cpu_input(name, array)
    for name, value in placed.items():
        binding.bind_ortvalue_input(name, value)
    for name, target in outputs.items():
        if isinstance(target, str):
            binding.bind_output(name, target)
        else:
            binding.bind_ortvalue_output(name, target)
    binding.synchronize_inputs()
    session.run_with_iobinding(binding)
    binding.synchronize_outputs()
    values: list[ort.OrtValue] = binding.get_outputs()
    return values
