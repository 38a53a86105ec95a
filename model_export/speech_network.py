"""The speech encoder: log-mel frames to one vector for each 40 ms step, causal. It looks back on 1.3 s, and on an
average of some twenty.

Ours throughout (the paper's abstract says nothing of its sound features). What the voice and the microphone are like on
average is taken out first, then two convolutions over frequency make one vector of a step's four frames and the
four before them; dilated causal convolutions over steps (Bai et al. 2018, arXiv 1803.01271) widen its view. What
average and convolutions remember is handed in and out as a state, so that a clip in one call and the same clip step by
step give the same numbers.
"""

from typing import Final

import torch
from torch import Tensor, nn

from service.representation import MEL_BINS, MELS_PER_STEP, STEP_RATE

WIDTH: Final = 64
"""Channels of the step vectors."""

DILATIONS: Final = (1, 2, 4, 8)
_KERNEL: Final = 3
_CHANNELS: Final = 32

_LOUD: Final = -0.3
"""Level, in deviations from that of the training data, at which a step counts half in the average."""

_STEEPNESS: Final = 4.0
"""How fast a step's weight rises there with its level."""

_PRIOR: Final = 25.0
"""Steps of ordinary sound that the average begins with."""

_SPREAD: Final = 0.6
"""Variance of ordinary sound, around its own mean of each band, in that of the training data."""

_KEPT: Final = 20.0
"""Seconds after which a step's weight in the average has fallen to 1/e."""

_FLOOR: Final = 0.1
"""Added to a variance: little is made of small differences."""


class _Dilated(nn.Module):
    """y = x + W₂ relu(bn(W₁ * x)), looking back 2 · dilation steps."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.look_back = (_KERNEL - 1) * dilation
        self.conv = nn.Conv1d(width, width, _KERNEL, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout1d(dropout)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B, C, T], `past` [B, C, look_back] -> [B, C, T], the new past."""
        seen = torch.cat([past, x], dim=2)
        y = self.mix(self.dropout(torch.relu(self.norm(self.conv(seen)))))
        return x + y, seen[:, :, -self.look_back :]


class _RunningNorm(nn.Module):
    """Takes out what a voice, its distance and its microphone are like on average so far: the mean of each band, and
    the deviation over all. Steps that are quiet for the training data hardly count, so that pauses do not matter; nor
    is a recording that is quiet throughout made louder.

    With m_t the mean of step t's frames, l_t its level (over all bands), q_t the mean of its squares, and
    w_t = sigmoid(4 (l_t + 0.3)) where sound is present:  E_t[v] = (p v_0 + Σ f^(t-i) w_i v_i) / (p + Σ f^(t-i) w_i)
    over i ≤ t, with a prior of weight p and forgetting f;  M_t = E_t[m],  S_t² = E_t[q] - mean over bands of M_t².
    It gives (x - M_t) / S_t, but for a floor: cepstral mean and variance normalisation, run online.
    """

    def forward(self, x: Tensor, present: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """`x` [B, T, 4, F], `present` [B, T], `past` sums [B, 2 + F] -> x without its average, the sums after."""
        decay = -1 / (STEP_RATE * _KEPT)
        time = torch.arange(x.shape[1]).to(x.dtype)
        age = time.unsqueeze(1) - time.unsqueeze(0)  # [T, T], negative for the future
        fading = torch.exp(age.clamp(min=0) * decay) * (age >= 0).to(x.dtype)
        means = x.mean(dim=2)
        weight = torch.sigmoid(_STEEPNESS * (means.mean(dim=2, keepdim=True) - _LOUD)) * present.unsqueeze(2)
        squares = x.square().mean(dim=(2, 3)).unsqueeze(2)
        terms = weight * torch.cat([torch.ones_like(weight), squares, means], dim=2)  # [B, T, 2 + F]
        sums = torch.matmul(fading, terms) + torch.exp((time + 1) * decay).unsqueeze(1) * past.unsqueeze(1)
        total = sums[:, :, :1] + _PRIOR
        mean = sums[:, :, 2:] / total
        variance = (sums[:, :, 1:2] + _PRIOR * _SPREAD) / total - mean.square().mean(dim=2, keepdim=True)
        return (x - mean.unsqueeze(2)) / torch.sqrt(variance.clamp(min=0) + _FLOOR).unsqueeze(3), sums[:, -1]


class SpeechEncoder(nn.Module):
    """Log-mel frames [B, T, 4, 64] to step vectors [B, T, WIDTH]."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int = WIDTH, dropout: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((MEL_BINS,), -6.0))
        self.register_buffer("deviation", torch.full((MEL_BINS,), 3.0))
        self.normalise = _RunningNorm()
        self.front = nn.Sequential(
            nn.Conv2d(2, _CHANNELS, (2 * MELS_PER_STEP, 5), stride=(MELS_PER_STEP, 2), padding=(0, 2), bias=False),
            nn.BatchNorm2d(_CHANNELS),
            nn.ReLU(),
            nn.Conv2d(_CHANNELS, _CHANNELS, (1, 3), stride=(1, 2), padding=(0, 1), bias=False),
            nn.BatchNorm2d(_CHANNELS),
            nn.ReLU(),
        )
        self.project = nn.Linear(_CHANNELS * MEL_BINS // 4, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Dilated(width, dilation, dropout) for dilation in DILATIONS)
        self.norm = nn.LayerNorm(width)
        self.width = width
        self.past_sizes = [
            2 + MEL_BINS,
            MELS_PER_STEP * MEL_BINS,
            *(width * (_KERNEL - 1) * dilation for dilation in DILATIONS),
        ]
        """Floats of each part of the state: the average, the last four frames, then what each block looks back on."""

    def forward(self, mel: Tensor, present: Tensor, past: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """`mel` [B, T, 4, 64], `present` [B, T], `past` flat [B, n] each -> vectors [B, T, width], the new past."""
        batch = mel.shape[0]
        there = present[:, :, None, None]
        # Absent sound is what sound as on average is: zeros. So is the sound before the first sample.
        x = (mel - self.mean) / self.deviation * there
        with torch.autocast("cpu", enabled=False):  # a variance is a small difference of large sums
            x, average = self.normalise(x, present, past[0])
        x = x * there
        seen = torch.cat([past[1].reshape(batch, MELS_PER_STEP, MEL_BINS), x.reshape(batch, -1, MEL_BINS)], dim=1)
        # Beside each frame its shape without its level, which a microphone's distance does not change.
        shape = seen - seen.mean(dim=2, keepdim=True)
        patches = self.front(torch.stack([shape, seen], dim=1))
        y = self.project(patches.permute(0, 2, 1, 3).flatten(2))
        y = self.dropout(torch.relu(y)).transpose(1, 2)
        kept = [average, seen[:, -MELS_PER_STEP:].reshape(batch, self.past_sizes[1])]
        for block, before, size in zip(self.blocks, past[2:], self.past_sizes[2:], strict=True):
            y, after = block(y, before.reshape(batch, self.width, size // self.width))
            kept.append(after.reshape(batch, size))
        return self.norm(y.transpose(1, 2)), kept
