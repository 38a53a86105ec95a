"""How many rows a run has.

A device keeps plans and memory for each shape that it met, so it is met by few. A CPU does not, and rows that stand in
for nobody cost it as much as any: there a run has as many rows as there are people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Bucket = Callable[[int], int]
"""From a number of rows to that of the run, which is not below it."""


def exact(rows: int) -> int:
    """As many as there are."""
    return rows


def coarse(rows: int) -> int:
    """The next of 1 to 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, ...: four sizes to each doubling, so that less than a
    fifth of a run is nobody's."""
    step = max(1, 1 << (rows - 1).bit_length() >> 3)
    return -(-rows // step) * step


@dataclass(frozen=True, slots=True)
class Runs:
    """Sizes of the runs of both networks."""

    encoder: int
    """Most crops in one that several callers share."""
    fusion: int
    """Most people, likewise."""
    bucket: Bucket


ON_HOST: Final = Runs(encoder=64, fusion=256, bucket=exact)
ON_DEVICE: Final = Runs(encoder=1024, fusion=4096, bucket=coarse)
"""A run costs it some hundred launches, however small: it has to have thousands of rows to be worth them."""


def gathered(parts: Sequence[NDArray[Any]], bucket: Bucket) -> NDArray[Any]:
    """The rows of all parts and then zeros, up to the size that `bucket` says."""
    rows = sum(map(len, parts))
    padding = np.zeros((bucket(rows) - rows, *parts[0].shape[1:]), parts[0].dtype)
    return np.concatenate([*parts, padding])
