"""Augmentation of log-mel frames, vectorised over a batch: what other voices, rooms, microphones and noise do to them.

Beside the few variants of each recording that are made from samples (`speech_features`), these make every pass over a
recording a different one.
"""

import torch
from torch import Tensor
from torch.nn import functional


def vary_sound(mel: Tensor, present: Tensor, mean: Tensor, generator: torch.Generator) -> None:
    """Change natural-log mel frames `mel` [B, T, 4, F] in place where `present` [B, T]; `mean` [F] is the corpora's."""
    varied = _noise(_equalise(_warp(mel, generator), generator), generator)
    varied = _mask(varied, mean, generator)
    mel.copy_(varied * present[:, :, None, None])


def _between(low: float, high: float, people: int, generator: torch.Generator) -> Tensor:
    """Uniform [B, 1]."""
    return low + (high - low) * torch.rand(people, 1, generator=generator)


def _chosen(people: int, share: float, generator: torch.Generator) -> Tensor:
    """1 for a random `share` of the recordings, 0 for the others: [B, 1]."""
    return (torch.rand(people, 1, generator=generator) < share).float()


def _curve(people: int, bins: int, knots: int, deviation: float, generator: torch.Generator) -> Tensor:
    """Smooth random curves over frequency [B, 1, 1, F]."""
    heights = deviation * torch.randn(people, 1, knots, generator=generator)
    return functional.interpolate(heights, bins, mode="linear", align_corners=True)[:, :, None]


def _warp(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Stretch and shift the frequency axis of half of the recordings by up to 6 % and one bin: a longer or shorter
    vocal tract, a higher or lower voice (Jaitly and Hinton 2013)."""
    people, bins = len(mel), mel.shape[3]
    chosen = _chosen(people, 0.5, generator)
    scale = torch.exp(chosen * _between(-0.06, 0.06, people, generator))
    place = (torch.arange(bins) * scale + chosen * _between(-1, 1, people, generator)).clamp(0, bins - 1.001)
    low = place.floor().long()
    share = (place - low)[:, None, None]
    below = low[:, None, None].expand_as(mel)
    return torch.lerp(torch.gather(mel, 3, below), torch.gather(mel, 3, below + 1), share.expand_as(mel))


def _equalise(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Distance to the microphone (4 dB up or down and more), and for half of the recordings its response."""
    people = len(mel)
    level = torch.randn(people, 1, 1, 1, generator=generator)
    response = _curve(people, mel.shape[3], 6, 0.5, generator)
    return mel + level + _chosen(people, 0.5, generator)[:, :, None, None] * response


def _noise(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Steady coloured noise under a quarter of the recordings, 13 to 43 dB below their loudest frame."""
    chosen = _chosen(len(mel), 0.25, generator)[:, 0] > 0
    if chosen.any():
        clean = mel[chosen]
        people = len(clean)
        level = clean.mean(dim=3).flatten(1).amax(dim=1)[:, None] - _between(3, 10, people, generator)
        noise = level[:, None, None] + _curve(people, mel.shape[3], 4, 1.0, generator)
        noise = noise + 0.5 * torch.randn(clean.shape, generator=generator)
        mel[chosen] = torch.logaddexp(clean, noise)
    return mel


def _mask(mel: Tensor, mean: Tensor, generator: torch.Generator) -> Tensor:
    """Up to two bands and two spans of each recording replaced by the mean (Park et al. 2019, arXiv 1904.08779)."""
    people, steps, _, bins = mel.shape
    hidden = torch.zeros(people, steps, 1, bins, dtype=torch.bool)
    for _ in range(2):
        low, width = _between(0, bins, people, generator), _between(-8, 10, people, generator)
        band = torch.arange(bins)
        hidden |= ((band >= low) & (band < low + width))[:, None, None]
        first, length = _between(0, steps, people, generator), _between(-5, 8, people, generator)
        time = torch.arange(steps)
        hidden |= ((time >= first) & (time < first + length))[:, :, None, None]
    return torch.where(hidden, mean, mel)
