"""The two small graphs by which the engine takes states out of a table on the device and puts them back.

They hold no weights and fit every attention-LSTM; `service.engine.slots` says how they are used.
"""

from pathlib import Path
from typing import Final

import onnx
from onnx import TensorProto, helper

_OPSET: Final = 17
_IR_VERSION: Final = 8
"""The file format that goes with `_OPSET`; onnx would write its newest."""


def write_slot_graphs(out: Path) -> None:
    """Write gather.onnx and scatter.onnx into the folder `out`."""
    for name, graph in (("gather", gather_graph()), ("scatter", scatter_graph())):
        onnx.save(graph, str(out / f"{name}.onnx"))


def gather_graph() -> onnx.ModelProto:
    """`table` [C, S], `slots` [B], `known` [B, 1] and `sound` [1, S], both 0 or 1 -> `rows` [B, S]: those of the slots,
    with zeros where neither the person is known nor the column depends on sound alone."""
    nodes = [
        helper.make_node("Gather", ["table", "slots"], ["taken"], axis=0),
        helper.make_node("Max", ["known", "sound"], ["kept"]),
        helper.make_node("Mul", ["taken", "kept"], ["rows"]),
    ]
    inputs = [
        _value("table", "capacity", "width"),
        _value("slots", "batch", kind=TensorProto.INT64),
        _value("known", "batch", 1),
        _value("sound", 1, "width"),
    ]
    return _model("gather", nodes, inputs, [_value("rows", "batch", "width")])


def scatter_graph() -> onnx.ModelProto:
    """`table` [C, S], `slots` [B, 1], `rows` [B, S] -> `written` [C, S], the table with the rows in the slots, and
    `sane` [B]: 0 where a row is made of finite numbers, else NaN."""
    nodes = [
        helper.make_node("ScatterND", ["table", "slots", "rows"], ["written"]),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Constant", [], ["columns"], value_ints=[1]),
        helper.make_node("Mul", ["rows", "zero"], ["nothing"]),  # infinity times zero is no number
        helper.make_node("ReduceSum", ["nothing", "columns"], ["sane"], keepdims=0),
    ]
    inputs = [
        _value("table", "capacity", "width"),
        _value("slots", "batch", 1, kind=TensorProto.INT64),
        _value("rows", "batch", "width"),
    ]
    return _model("scatter", nodes, inputs, [_value("written", "capacity", "width"), _value("sane", "batch")])


def _value(name: str, *shape: str | int, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _model(
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, name, inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model
