"""The face encoder: a small residual network over 48 x 48 grey crops.

Ours throughout (the paper's abstract says nothing of its face features). Plain 3 x 3 convolutions with identity
shortcuts (He et al. 2016, arXiv 1512.03385): on CPUs without convolution hardware they train and run several times
faster than depthwise ones of the same number of multiply-adds.
"""

from collections.abc import Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn

from service.representation import LABELS

WIDTHS: Final = (24, 48, 96, 128)
"""Channels at 24, 12, 6 and 3 pixels: 24.7 million multiply-adds, 0.69 million parameters."""

TEACHER_WIDTHS: Final = (48, 96, 192, 256)

WIDE_WIDTHS: Final = (32, 64, 192, 256)
"""The second teacher: wider where a multiply-add is cheap."""

DEVIATION_FLOOR: Final = 10.0
"""Grey levels: keeps the noise of an almost uniform crop from being blown up."""


class Residual(nn.Module):
    """y = relu(x + bn(conv(relu(bn(conv(x))))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(x + self.second_norm(self.second(y)))


def _shrink(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


class FaceEncoder(nn.Module):
    """Crops to an embedding and to the logits of the encoder's own head.

    The crop's own mean and deviation are taken out first, so that exposure and contrast matter little.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS, dropout: float = 0.2) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for width in widths:
            layers += [_shrink(before, width), Residual(width)]
            before = width
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(before, len(LABELS))
        self.embedding_size = before

    def embed(self, crops: Tensor) -> Tensor:
        """`crops` [N, 48, 48] (uint8 or float grey levels 0 to 255) -> embedding [N, E]."""
        x = crops.float()
        mean = x.mean(dim=(1, 2), keepdim=True)
        variance = ((x - mean) ** 2).mean(dim=(1, 2), keepdim=True)
        x = (x - mean) / torch.sqrt(variance + DEVIATION_FLOOR**2)
        return cast(Tensor, self.body(x.unsqueeze(1)).mean(dim=(2, 3)))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """`crops` [N, 48, 48] -> embedding [N, E], logits [N, 7]."""
        embedding = self.embed(crops)
        return embedding, self.head(self.dropout(embedding))


class ExportedFaceEncoder(nn.Module):
    """What face_encoder.onnx computes: crops uint8 [N, 48, 48] -> embedding [N, E], probabilities [N, 7]."""

    def __init__(self, encoder: FaceEncoder, temperature: float = 1.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.temperature = temperature
        self.embedding_size = encoder.embedding_size

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        embedding, logits = self.encoder(crops)
        return embedding, torch.softmax(logits / self.temperature, dim=-1)


def multiply_adds(encoder: FaceEncoder) -> int:
    """Multiply-adds of one crop through the encoder, convolutions and head."""
    total = encoder.head.in_features * encoder.head.out_features
    side = 48
    for layer in encoder.body:
        if isinstance(layer, nn.Sequential):
            side = (side + 1) // 2
        for module in layer.modules():
            if isinstance(module, nn.Conv2d):
                total += 9 * module.in_channels * module.out_channels * side * side
    return total
