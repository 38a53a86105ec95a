"""The attention-LSTM as parameters again, from the file that ships: what fine-tuning starts from.

The exporter renames, transposes and reorders parameters, and folds batch normalisation into the convolutions before
it. So a network with known parameters is exported beside the given file: node for node, they say which parameter stands
where. What comes back has no normalisation any more, and computes the same numbers.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from model_export.export import Release, export_fusion
from model_export.fusion_network import FusionNetwork
from service.engine.metadata import read_metadata

_GATES: Final = (0, 2, 3, 1)
"""Where ONNX has PyTorch's input, forget, cell and output gate (it has input, output, forget, cell)."""

Array = NDArray[np.float32]


def restore_fusion(path: Path) -> FusionNetwork:
    """The network of a fusion.onnx, in evaluation mode. Raises ValueError for a file of another network than this one,
    ModelMismatch for one that does not fit the service."""
    given = onnx.load(str(path))
    properties = {entry.key: entry.value for entry in given.metadata_props}
    network = FusionNetwork(read_metadata(properties, role="fusion", file=path.name).embedding_size)
    without_norms(network)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.state_dict().values():
            value.normal_(generator=generator)
    known = _exported(network)
    try:
        pairs = list(_pairs(known, given))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                found = _find(name, value, pairs)
                if found is None:
                    raise LookupError(f"it has no {name}")
                value.copy_(torch.from_numpy(found))
    except (LookupError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path.name} was not made from the network of this version: {error}") from error
    return network.eval()


def without_norms(network: nn.Module) -> None:
    """Take batch normalisation out, and give the convolutions before it a bias instead, in place."""
    for module in list(network.modules()):
        before = None
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv1d | nn.Conv2d):
                before = child
            elif isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d) and before is not None:
                before.bias = nn.Parameter(torch.zeros(before.out_channels))
                setattr(module, name, nn.Identity())


def _exported(network: FusionNetwork) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "known.onnx")
        export_fusion(network, file, Release(version="0", training_data="", uncertain_below=0.5))
        return onnx.load(str(file))


def _pairs(known: onnx.ModelProto, given: onnx.ModelProto) -> Iterator[tuple[Array, Array]]:
    """What stands in the same place of both graphs: initialisers that nodes read, and constants."""
    ours, theirs = ({one.name: one for one in model.graph.initializer} for model in (known, given))
    for mine, other in zip(known.graph.node, given.graph.node, strict=True):
        if mine.op_type != other.op_type:
            raise ValueError(f"{other.op_type} in the place of {mine.op_type}")
        if mine.op_type == "Constant":
            yield numpy_helper.to_array(mine.attribute[0].t), numpy_helper.to_array(other.attribute[0].t)
        for name, place in zip(mine.input, other.input, strict=True):
            if name in ours:
                yield numpy_helper.to_array(ours[name]), numpy_helper.to_array(theirs[place])


def _find(name: str, value: Tensor, pairs: list[tuple[Array, Array]]) -> Array | None:
    """The given file's values of the parameter that has `value` in the known network, where that is in the graph."""
    known = value.numpy()
    for ours, theirs in pairs:
        for form in (_as_it_is, _transposed, _lstm_weight):
            if ours.shape == theirs.shape and np.array_equal(form(ours), known):
                return form(theirs).copy()
        if ours.ndim == 2 and name.startswith("lstm.bias"):  # both biases of the LSTM in one row
            part = slice(None, ours.shape[1] // 2) if "_ih_" in name else slice(ours.shape[1] // 2, None)
            if np.array_equal(_lstm_weight(ours[:, part]), known):
                return _lstm_weight(theirs[:, part]).copy()
    return None


def _as_it_is(array: Array) -> Array:
    return array


def _transposed(array: Array) -> Array:
    return array.T


def _lstm_weight(array: Array) -> Array:
    """[1, 4H, …] in the order of ONNX -> [4H, …] in PyTorch's; anything else as it is."""
    if array.ndim < 2 or array.shape[0] != 1 or array.shape[1] % 4:
        return array
    blocks = np.split(array[0], 4)
    return np.concatenate([blocks[place] for place in _GATES])
