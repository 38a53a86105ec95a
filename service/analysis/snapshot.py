"""Named arrays as bytes and back: how an analysis hands out its state.

A snapshot is the length of a header (uint32), the header (UTF-8 JSON: version, then name, type and shape of each
array), and the arrays one behind the other, little-endian. Numbers keep every bit.
"""

import json
import math
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

VERSION: Final = 1
"""Raised whenever the meaning of an array changes."""

Arrays = dict[str, NDArray[Any]]
"""The state of a part of an analysis, by name."""

_LENGTH = struct.Struct("<I")


def pack(arrays: Arrays) -> bytes:
    """The snapshot of `arrays`."""
    parts = {name: part.astype(part.dtype.newbyteorder("<"), order="C") for name, part in arrays.items()}
    names = [[name, part.dtype.str[1:], *part.shape] for name, part in parts.items()]
    header = json.dumps([VERSION, names], separators=(",", ":")).encode()
    return b"".join([_LENGTH.pack(len(header)), header, *(part.tobytes() for part in parts.values())])


def unpack(snapshot: bytes) -> Arrays:
    """The arrays of a snapshot. Raises ValueError for anything but a whole snapshot of this version."""
    try:
        at = _LENGTH.size + _LENGTH.unpack_from(snapshot)[0]
        version, names = json.loads(snapshot[_LENGTH.size : at])
    except (struct.error, ValueError, TypeError) as error:
        raise ValueError("not a snapshot of an analysis") from error
    if version != VERSION:
        raise ValueError(f"a snapshot of version {version}, this is version {VERSION}")
    sizes = [math.prod(shape) * np.dtype(kind).itemsize for _, kind, *shape in names]
    if at + sum(sizes) != len(snapshot):
        raise ValueError(f"a snapshot of {len(snapshot)} bytes where its header says {at + sum(sizes)}")
    arrays: Arrays = {}
    for (name, kind, *shape), size in zip(names, sizes, strict=True):
        part = np.frombuffer(snapshot, np.uint8, size, at).view(f"<{kind}").reshape(shape)
        arrays[name] = part.astype(part.dtype.newbyteorder("="))
        at += size
    return arrays


def prefixed(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays under names of their own."""
    return {f"{prefix}.{name}": part for name, part in arrays.items()}


def under(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays that `prefixed` named so."""
    start = f"{prefix}."
    return {name.removeprefix(start): part for name, part in arrays.items() if name.startswith(start)}
