"""How many rows a run has.

A device keeps plans and memory for each shape that it met, so there it is met by few: powers of two. Rows that stand in
for nobody cost a CPU as much as any, so there a run has as many rows as there are people.
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


def power_of_two(rows: int) -> int:
    """The next power of two, for at least one row."""
    return 1 << (rows - 1).bit_length()


@dataclass(frozen=True, slots=True)
class Runs:
    """Sizes of the runs of both networks."""

    encoder: int
    """Most crops in one that several callers share."""
    fusion: int
    """Most people, likewise."""
    bucket: Bucket


ON_HOST: Final = Runs(encoder=64, fusion=256, bucket=exact)
ON_DEVICE: Final = Runs(encoder=1024, fusion=4096, bucket=power_of_two)
"""A run costs it some hundred launches, however small: it has to have thousands of rows to be worth them."""


def gathered(parts: Sequence[NDArray[Any]], bucket: Bucket) -> NDArray[Any]:
    """The rows of all parts and then zeros, up to the size that `bucket` says."""
    rows = sum(map(len, parts))
    padding = np.zeros((bucket(rows) - rows, *parts[0].shape[1:]), parts[0].dtype)
    return np.concatenate([*parts, padding])
