"""What a step and a crop cannot do without, and what the device can do: bytes moved and multiply-adds, counted from the
ONNX files, and both measured on the device by onnxruntime's own copy and product of matrices."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from service.domain import Provider
from service.engine.binding import run_bound
from service.engine.providers import open_session
from service.representation import CROP_SIZE, LABELS, MEL_BINS, MELS_PER_STEP, WINDOW

_RUNS: Final = 20
_OPSET: Final = 17
_IR_VERSION: Final = 8


@dataclass(frozen=True, slots=True)
class Work:
    """Of one step of one person, or of one crop."""

    multiply_adds: int
    bus_bytes: int
    """Copied to the device and back."""
    device_bytes: int
    """Read and written there, were everything between two copies kept in registers: inputs, outputs and the state."""
    weight_bytes: int
    """Read once in a run, however many rows it has."""

    def seconds(self, device: "Device", rows: int) -> float:
        """The least that one row of a run of `rows` takes where it is bound by memory or by arithmetic; the bus is
        left out, since it works beside both."""
        memory = (self.device_bytes + self.weight_bytes / rows) / device.bytes_per_second
        return max(memory, self.multiply_adds / device.multiply_adds_per_second)


@dataclass(frozen=True, slots=True)
class Device:
    """What it does in a second."""

    bytes_per_second: float
    """Read or written."""
    multiply_adds_per_second: float
    """In fp32."""

    @classmethod
    def measured(cls, provider: Provider, folder: Path) -> "Device":
        """On `provider`, with two graphs that are written into `folder`. The best of some runs."""
        size, side = (64 << 20, 4096) if provider == "cuda" else (8 << 20, 1024)
        flat, square = np.ones(size, np.float32), np.ones((side, side), np.float32)
        copied = _seconds(_graph(folder / "copy.onnx", "Neg", ["x"]), provider, {"x": flat})
        multiplied = _seconds(
            _graph(folder / "product.onnx", "MatMul", ["x", "y"]), provider, {"x": square, "y": square}
        )
        return cls(2 * flat.nbytes / copied, side**3 / multiplied)


def work(weights: Path) -> dict[str, Work]:
    """Of both networks in the folder `weights`, by name."""
    crop = {"crops": np.zeros((1, CROP_SIZE, CROP_SIZE), np.uint8)}
    fusion = ort.InferenceSession((weights / "fusion.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    width = {one.name: one.shape[-1] for one in fusion.get_inputs()}
    step = {
        "face": np.zeros((1, 1, width["face"]), np.float32),
        "face_present": np.zeros((1, 1), np.float32),
        "mel": np.zeros((1, 1, MELS_PER_STEP, MEL_BINS), np.float32),
        "sound_present": np.zeros((1, 1), np.float32),
        "heard": np.zeros((1, WINDOW), np.float32),
        "baseline": np.zeros((1, len(LABELS) + 1), np.float32),
        "decay": np.zeros(1, np.float32),
        "state": np.zeros((1, width["state"]), np.float32),
    }
    return {
        "crop": _work(weights / "face_encoder.onnx", crop, on_device=()),
        "step": _work(weights / "fusion.onnx", step, on_device=("state", "next_state")),
    }


def _work(file: Path, feeds: Mapping[str, NDArray[Any]], *, on_device: tuple[str, ...]) -> Work:
    model = onnx.load(str(file))
    answers = [one.name for one in model.graph.output if one.name != "evidence"]
    products = [node for node in model.graph.node if node.op_type in ("Conv", "MatMul", "Gemm", "LSTM")]
    names = {name for node in products for name in (node.input[0], node.output[0])}
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names - set(answers) - set(feeds))
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = [one.name for one in session.get_outputs()]
    values = dict(zip(wanted, session.run(wanted, dict(feeds)), strict=True)) | dict(feeds)
    weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    moved = {name: values[name].nbytes for name in [*feeds, *answers]}
    return Work(
        multiply_adds=sum(_multiply_adds(node, values, weights) for node in products),
        bus_bytes=sum(size for name, size in moved.items() if name not in on_device),
        device_bytes=sum(moved.values()),
        weight_bytes=sum(array.nbytes for array in weights.values()),
    )


def _multiply_adds(
    node: onnx.NodeProto, values: Mapping[str, NDArray[Any]], weights: Mapping[str, NDArray[Any]]
) -> int:
    if node.op_type == "LSTM":
        return int(sum(weights[name].size for name in node.input[1:3]))  # of one step
    if node.op_type == "Conv":
        return int(values[node.output[0]].size * prod(weights[node.input[1]].shape[1:]))
    return int(values[node.output[0]].size * values[node.input[0]].shape[-1])


def _graph(file: Path, operator: str, inputs: list[str]) -> Path:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in [*inputs, "z"]]
    graph = helper.make_graph([helper.make_node(operator, inputs, ["z"])], operator, values[:-1], values[-1:])
    opset = helper.make_opsetid("", _OPSET)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION), str(file))
    return file


def _seconds(file: Path, provider: Provider, arrays: Mapping[str, NDArray[np.float32]]) -> float:
    """Of one run whose inputs and output stay on the device."""
    session = open_session(file, provider, threads=1)
    placed = {name: ort.OrtValue.ortvalue_from_numpy(array, provider, 0) for name, array in arrays.items()}
    times = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        run_bound(session, {}, placed, outputs={"z": provider})
        times.append(time.perf_counter() - began)
    return min(times)
