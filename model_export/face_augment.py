"""Augmentation of face crops, vectorised over a batch: what a webcam, a detector and a codec do to a crop."""

import io
import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.empty(n).uniform_(low, high, generator=generator)


def _chance(n: int, probability: float, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator) < probability


def move(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift, rotation, scale, slight stretch and mirror of float images [N, 1, H, W] (eyes are never found exactly)."""
    n = len(images)
    angle = torch.randn(n, generator=generator) * math.radians(8)
    scale = torch.exp(_uniform(n, -0.2, 0.25, generator))
    stretch = torch.exp(_uniform(n, -0.08, 0.08, generator))
    mirror = torch.where(_chance(n, 0.5, generator), -1.0, 1.0)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = mirror * torch.cos(angle) * scale * stretch
    theta[:, 0, 1] = -torch.sin(angle) * scale
    theta[:, 1, 0] = mirror * torch.sin(angle) * scale * stretch
    theta[:, 1, 1] = torch.cos(angle) * scale
    theta[:, :, 2] = _uniform(2 * n, -0.16, 0.16, generator).view(n, 2)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    padding = "reflection" if torch.rand(1, generator=generator) < 0.5 else "zeros"
    return functional.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def _resample(images: Tensor, generator: torch.Generator) -> Tensor:
    """15 % of the batch seen from afar: shrunk to 16 to 40 pixels and enlarged again."""
    chosen = _chance(len(images), 0.15, generator)
    if chosen.any():
        side = int(torch.randint(16, 41, (1,), generator=generator))
        small = functional.interpolate(images[chosen], size=side, mode="area")
        images[chosen] = functional.interpolate(small, size=images.shape[-1], mode="bilinear", align_corners=False)
    return images


def _light(images: Tensor, generator: torch.Generator) -> Tensor:
    """Gamma, contrast, brightness, light from one side, sensor noise, on 60 % of the faces; grey levels 0 to 1."""
    n, _, height, width = images.shape

    def column(values: Tensor) -> Tensor:
        return values.view(n, 1, 1, 1)

    original = images
    images = images.clamp(0, 1) ** column(torch.exp(_uniform(n, -0.5, 0.5, generator)))
    ramp = column(_uniform(n, -0.3, 0.3, generator)) * torch.linspace(-1, 1, width).view(1, 1, 1, width)
    ramp = ramp + column(_uniform(n, -0.2, 0.2, generator)) * torch.linspace(-1, 1, height).view(1, 1, height, 1)
    images = images * (1 + ramp)
    images = (images - 0.5) * column(_uniform(n, 0.5, 1.3, generator)) + 0.5
    images = images + column(_uniform(n, -0.15, 0.15, generator))
    noise = column(_uniform(n, 0, 0.06, generator) * _chance(n, 0.4, generator))
    images = images + noise * torch.randn(images.shape, generator=generator)
    return torch.where(column(_chance(n, 0.6, generator)), images, original)


def _erase(images: Tensor, generator: torch.Generator) -> Tensor:
    """A rectangle of one grey level over 25 % of the faces: a hand, a microphone, a mask."""
    n, _, height, width = images.shape
    chosen = _chance(n, 0.25, generator)
    half_y, half_x = _uniform(n, 2, 9, generator), _uniform(n, 2, 9, generator)
    y, x = _uniform(n, 0, height, generator), _uniform(n, 0, width, generator)
    rows, columns = torch.arange(height).view(1, height, 1), torch.arange(width).view(1, 1, width)
    inside = ((rows - y.view(n, 1, 1)).abs() < half_y.view(n, 1, 1)) & (
        (columns - x.view(n, 1, 1)).abs() < half_x.view(n, 1, 1)
    )
    grey = torch.rand(n, 1, 1, 1, generator=generator).expand_as(images)
    return torch.where((inside & chosen.view(n, 1, 1)).unsqueeze(1), grey, images)


def _jpeg(images: Tensor, generator: torch.Generator) -> Tensor:
    """Real JPEG coding of 10 % of a batch of uint8 images [N, H, W]."""
    for index in torch.nonzero(_chance(len(images), 0.1, generator)).flatten().tolist():
        buffer = io.BytesIO()
        quality = int(torch.randint(15, 70, (1,), generator=generator))
        Image.fromarray(images[index].numpy()).save(buffer, "JPEG", quality=quality)
        images[index] = torch.from_numpy(np.array(Image.open(buffer)))
    return images


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 [N, 48, 48] -> uint8 [N, 48, 48], each picture changed on its own."""
    x = images.unsqueeze(1).float() / 255
    x = move(x, generator)
    x = _resample(x, generator)
    x = _light(x, generator)
    x = _erase(x, generator)
    return _jpeg((x.clamp(0, 1) * 255).round().to(torch.uint8).squeeze(1), generator)
