"""The speech encoder: log-mel frames to one vector for each 40 ms step, causal, with a look-back of 1.3 s.

Ours throughout (the paper's abstract says nothing of its sound features). Two strided convolutions over time and
frequency make one vector of the four newest frames and the four before them; dilated causal convolutions over steps
(Bai et al. 2018, arXiv 1803.01271) widen its view. What the convolutions remember is handed in and out as a state, so
that a clip in one call and the same clip step by step give the same numbers.
"""

from typing import Final

import torch
from torch import Tensor, nn

from service.representation import MEL_BINS, MELS_PER_STEP

WIDTH: Final = 64
"""Channels of the step vectors."""

DILATIONS: Final = (1, 2, 4, 8)
_KERNEL: Final = 3
_CHANNELS: Final = (16, 32)


class _Dilated(nn.Module):
    """y = x + W₂ relu(bn(W₁ * x)), looking back 2 · dilation steps."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.look_back = (_KERNEL - 1) * dilation
        self.conv = nn.Conv1d(width, width, _KERNEL, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B, C, T], `past` [B, C, look_back] -> [B, C, T], the new past."""
        seen = torch.cat([past, x], dim=2)
        y = self.mix(self.dropout(torch.relu(self.norm(self.conv(seen)))))
        return x + y, seen[:, :, -self.look_back :]


class SpeechEncoder(nn.Module):
    """Log-mel frames [B, T, 4, 64] to step vectors [B, T, WIDTH]."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int = WIDTH, dropout: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((MEL_BINS,), -6.0))
        self.register_buffer("deviation", torch.full((MEL_BINS,), 3.0))
        first, second = _CHANNELS
        self.front = nn.Sequential(
            nn.Conv2d(2, first, (4, 5), stride=(2, 2), padding=(0, 2), bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, second, (3, 3), stride=(2, 2), padding=(0, 1), bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(),
        )
        self.project = nn.Linear(second * MEL_BINS // 4, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Dilated(width, dilation, dropout) for dilation in DILATIONS)
        self.norm = nn.LayerNorm(width)
        self.width = width
        self.past_sizes = [MELS_PER_STEP * MEL_BINS, *(width * (_KERNEL - 1) * dilation for dilation in DILATIONS)]
        """Floats of each part of the state: the last four frames, then what each block looks back on."""

    def forward(self, mel: Tensor, present: Tensor, past: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """`mel` [B, T, 4, 64], `present` [B, T], `past` flat [B, n] each -> vectors [B, T, width], the new past."""
        batch = mel.shape[0]
        # Absent sound is what sound of average loudness is: zeros. So is the sound before the first sample.
        x = (mel - self.mean) / self.deviation * present[:, :, None, None]
        seen = torch.cat([past[0].reshape(batch, MELS_PER_STEP, MEL_BINS), x.reshape(batch, -1, MEL_BINS)], dim=1)
        # Beside each frame its shape without its level, which a microphone's distance does not change.
        shape = seen - seen.mean(dim=2, keepdim=True)
        patches = self.front(torch.stack([shape, seen], dim=1))
        y = self.project(patches.permute(0, 2, 1, 3).flatten(2))
        y = self.dropout(torch.relu(y)).transpose(1, 2)
        kept = [seen[:, -MELS_PER_STEP:].reshape(batch, self.past_sizes[0])]
        for block, before, size in zip(self.blocks, past[1:], self.past_sizes[1:], strict=True):
            y, after = block(y, before.reshape(batch, self.width, size // self.width))
            kept.append(after.reshape(batch, size))
        return self.norm(y.transpose(1, 2)), kept
