"""Published networks as ONNX graphs with random weights: they say how fast a rival's network is, and nothing else.

- `hsemotion_b0`: EfficientNet-B0 (Tan and Le, arXiv 1905.11946, table 1) at 224 pixels with eight classes, as in
  HSEmotion (Savchenko, arXiv 2103.17107, `enet_b0_8_*`). Batch normalisation is folded into the convolutions, as
  exporters fold it.
- `deepface`: the emotion network of DeepFace (Serengil and Ozpinar; `deepface/models/demography/Emotion.py`), 48 pixels
  grey, seven classes.
"""

from math import prod

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
_BLOCKS = (
    # expansion, channels, repeats, stride of the first, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_STEM, _HEAD = 32, 1280
_SQUEEZE = 4


class _Graph:
    """A chain of operators, with weights drawn as they are needed."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(0)
        self.parameters = 0

    def apply(self, operator: str, *inputs: str, **attributes: object) -> str:
        """Add one operator; the name of what it gives."""
        name = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def weights(self, *shape: int) -> str:
        """Weights of this shape, of a size that neither explodes nor dies out."""
        values = self._random.standard_normal(shape) / np.sqrt(max(1, prod(shape[1:])))
        name = f"weights_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        self.parameters += prod(shape)
        return name

    def convolve(
        self, x: str, channels: tuple[int, int], kernel: int, *, stride: int = 1, groups: int = 1, same: bool = True
    ) -> str:
        """A convolution with bias, from so many to so many channels."""
        inputs, outputs = channels
        weights, bias = self.weights(outputs, inputs // groups, kernel, kernel), self.weights(outputs)
        padding = "SAME_UPPER" if same else "VALID"
        return self.apply("Conv", x, weights, bias, strides=[stride, stride], group=groups, auto_pad=padding)

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        """A fully connected layer."""
        return self.apply("Gemm", x, self.weights(inputs, outputs), self.weights(outputs))

    def swish(self, x: str) -> str:
        """x times its sigmoid."""
        return self.apply("Mul", x, self.apply("Sigmoid", x))

    def model(self, output: str, classes: int) -> onnx.ModelProto:
        """The checked model, whose input is `input` and whose output is `output`."""
        given = helper.make_tensor_value_info("input", TensorProto.FLOAT, self._shape)
        told = helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, classes])
        graph = helper.make_graph(self._nodes, "stand-in", [given], [told], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


def hsemotion_b0() -> tuple[onnx.ModelProto, int]:
    """EfficientNet-B0 with eight classes, and the number of its weights."""
    graph = _Graph((1, 3, 224, 224))
    x, channels = graph.swish(graph.convolve("input", (3, _STEM), 3, stride=2)), _STEM
    for expansion, width, repeats, first_stride, kernel in _BLOCKS:
        for repeat in range(repeats):
            x = _block(graph, x, (channels, width), expansion, first_stride if repeat == 0 else 1, kernel)
            channels = width
    x = graph.swish(graph.convolve(x, (channels, _HEAD), 1))
    x = graph.apply("Flatten", graph.apply("GlobalAveragePool", x))
    return graph.model(graph.dense(x, _HEAD, 8), 8), graph.parameters


def _block(graph: _Graph, x: str, channels: tuple[int, int], expansion: int, stride: int, kernel: int) -> str:
    """An inverted residual with squeeze and excitation."""
    before, after = channels
    wide = before * expansion
    y = graph.swish(graph.convolve(x, (before, wide), 1)) if expansion > 1 else x
    y = graph.swish(graph.convolve(y, (wide, wide), kernel, stride=stride, groups=wide))
    squeezed = graph.swish(graph.convolve(graph.apply("GlobalAveragePool", y), (wide, before // _SQUEEZE), 1))
    excited = graph.apply("Sigmoid", graph.convolve(squeezed, (before // _SQUEEZE, wide), 1))
    y = graph.convolve(graph.apply("Mul", y, excited), (wide, after), 1)
    return graph.apply("Add", x, y) if stride == 1 and before == after else y


def deepface() -> tuple[onnx.ModelProto, int]:
    """DeepFace's emotion network, and the number of its weights."""
    graph = _Graph((1, 1, 48, 48))

    def convolve(x: str, inputs: int, outputs: int, kernel: int) -> str:
        return graph.apply("Relu", graph.convolve(x, (inputs, outputs), kernel, same=False))

    def pool(operator: str, x: str, size: int) -> str:
        return graph.apply(operator, x, kernel_shape=[size, size], strides=[2, 2])

    x = pool("MaxPool", convolve("input", 1, 64, 5), 5)
    x = pool("AveragePool", convolve(convolve(x, 64, 64, 3), 64, 64, 3), 3)
    x = pool("AveragePool", convolve(convolve(x, 64, 128, 3), 128, 128, 3), 3)
    x = graph.apply("Relu", graph.dense(graph.apply("Flatten", x), 128, 1024))
    x = graph.apply("Relu", graph.dense(x, 1024, 1024))
    return graph.model(graph.apply("Softmax", graph.dense(x, 1024, 7)), 7), graph.parameters
