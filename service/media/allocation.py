"""A bound on what FFmpeg allocates at once."""

import ctypes
from functools import cache
from typing import Final

from av import _core

MAX_ALLOCATION: Final = 64 << 20
"""Bytes. The largest that reading asks for is one plane of an 8K picture of more than 8 bits. A few bytes of a file may
announce tables, packets and pictures of gigabytes, in more ways than can be looked for beforehand."""


@cache
def bound_allocations() -> None:
    """Let every allocation of FFmpeg in this process that is larger fail, as if memory were out: then a container or a
    stream is damaged. PyAV does not offer FFmpeg's `av_max_alloc`, but its modules are linked to it."""
    ctypes.CDLL(_core.__file__).av_max_alloc(ctypes.c_size_t(MAX_ALLOCATION))
