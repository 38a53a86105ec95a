"""What an ISO file's index says of the order of its samples, as FFmpeg has read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from av.stream import Stream
from numpy.typing import NDArray

_SPREAD = 1.0
"""Seconds by which two streams may lie apart in file order. FFmpeg reorders by time beyond it where it can seek."""


@dataclass(frozen=True, slots=True)
class SampleIndex:
    """Where the samples of a file lie."""

    end: int
    """Bytes up to the end of the last sample."""
    far_apart: bool
    """Whether, in file order, one stream lags so far behind another that reading front to back parts them."""


def read_index(streams: Sequence[Stream]) -> SampleIndex:
    """Sum up the index of these streams of one file."""
    tables = [_table(stream) for stream in streams]
    return SampleIndex(
        end=max((int(table[:, 1].max()) for table in tables if len(table)), default=0),
        far_apart=any(_leads(one, other) for one in tables for other in tables if one is not other and len(other)),
    )


def _table(stream: Stream) -> NDArray[np.float64]:
    """Start in bytes, end in bytes and decoding time in seconds of each sample, [n, 3], in file order."""
    unit = float(stream.time_base or 0)
    entries = stream.index_entries  # may be more than a million
    rows = ((entry.pos, entry.pos + entry.size, entry.timestamp * unit) for entry in entries)
    table = np.fromiter(chain.from_iterable(rows), np.float64, 3 * len(entries)).reshape(-1, 3)
    return table[np.argsort(table[:, 0], kind="stable")]


def _leads(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether a sample of `one` is long past the next sample of `other` in the file."""
    upcoming = np.searchsorted(other[:, 0], one[:, 0])
    followed = upcoming < len(other)
    return bool((one[followed, 2] - other[upcoming[followed], 2] > _SPREAD).any())
