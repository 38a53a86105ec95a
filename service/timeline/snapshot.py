"""Named arrays as bytes and back: how an analysis hands out its state.

A snapshot is the length of a header (uint32), the header (UTF-8 JSON: version, then name, type and shape of each
array), and the arrays one behind the other, little-endian. Numbers keep every bit.
"""

import json
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
    parts = {name: np.ascontiguousarray(part).astype(part.dtype.newbyteorder("<")) for name, part in arrays.items()}
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
    arrays: Arrays = {}
    for name, kind, *shape in names:
        dtype = np.dtype(f"<{kind}")
        end = at + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        arrays[name] = np.frombuffer(snapshot[at:end], dtype).reshape(shape).astype(dtype.newbyteorder("="))
        at = end
    if at != len(snapshot):
        raise ValueError(f"a snapshot of {len(snapshot)} bytes where its header says {at}")
    return arrays


def prefixed(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays under names of their own."""
    return {f"{prefix}.{name}": part for name, part in arrays.items()}


def under(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays that `prefixed` named so."""
    start = f"{prefix}."
    return {name.removeprefix(start): part for name, part in arrays.items() if name.startswith(start)}
