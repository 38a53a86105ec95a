"""A wider face encoder that starts with exactly the answers of a trained narrow one.

Channels are copied and what reads them is divided among the copies (Net2WiderNet: Chen, Goodfellow and Shlens 2016,
arXiv 1511.05641), so that the teacher of the last cycle need not be trained from nothing.
"""

from collections.abc import Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn

from model_export.face_network import FaceEncoder, Residual

NOISE: Final = 0.05
"""Deviation of what is added to copied filters, as a share of their own: without it copies would stay alike."""


def widen(narrow: FaceEncoder, widths: Sequence[int], dropout: float, generator: torch.Generator) -> FaceEncoder:
    """An encoder of `widths`, each at least the narrow one's, that answers as `narrow` does but for the noise."""
    wide = FaceEncoder(widths, dropout)
    before = torch.zeros(1, dtype=torch.long)  # the grey picture
    for place, width in enumerate(widths):
        old, new = (cast(nn.Sequential, encoder.body[2 * place]) for encoder in (narrow, wide))
        after = _copies(cast(nn.Conv2d, old[0]).out_channels, width, generator)
        _fill(new[0], old[0], before, after, generator)
        _fill_norm(new[1], old[1], after)
        _fill_residual(narrow.body[2 * place + 1], wide.body[2 * place + 1], after, generator)
        before = after
    with torch.no_grad():
        wide.head.weight.copy_(narrow.head.weight[:, before] / _shares(before))
        wide.head.bias.copy_(narrow.head.bias)
    return wide


def _copies(count: int, wanted: int, generator: torch.Generator) -> Tensor:
    """Which of `count` channels each of `wanted` copies: all of them once, then some again."""
    more = torch.randperm(count, generator=generator).repeat(wanted // count + 1)[: wanted - count]
    return torch.cat([torch.arange(count), more])


def _shares(copies: Tensor) -> Tensor:
    """How many copies there are of what each stands for."""
    return torch.bincount(copies)[copies].float()


def _fill_residual(old: nn.Module, new: nn.Module, outer: Tensor, generator: torch.Generator) -> None:
    old, new = cast(Residual, old), cast(Residual, new)
    inner = _copies(len(old.first_norm.weight), len(outer), generator)
    _fill(new.first, old.first, outer, inner, generator)
    _fill_norm(new.first_norm, old.first_norm, inner)
    _fill(new.second, old.second, inner, outer, generator)
    _fill_norm(new.second_norm, old.second_norm, outer)


def _fill(new: nn.Module, old: nn.Module, inputs: Tensor, outputs: Tensor, generator: torch.Generator) -> None:
    old, new = cast(nn.Conv2d, old), cast(nn.Conv2d, new)
    with torch.no_grad():
        weight = old.weight[outputs][:, inputs] / _shares(inputs)[None, :, None, None]
        new.weight.copy_(weight + NOISE * weight.std() * torch.randn(weight.shape, generator=generator))


def _fill_norm(new: nn.Module, old: nn.Module, channels: Tensor) -> None:
    values = {key: value[channels] if value.dim() else value for key, value in old.state_dict().items()}
    new.load_state_dict(values)
