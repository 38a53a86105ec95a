"""How many heaps the C library's allocator spreads the blocks of many threads over."""

import ctypes
import sys
from typing import Final

HEAPS: Final = 2
"""Threads come and go, mediapipe's own with each detector. Of eight heaps a core, where glibc would spread them, each
keeps what its fullest moment took; two are as fast, one costs decoding processes 5 % of their time."""

_M_ARENA_MAX: Final = -8  # malloc.h


def share_heaps() -> None:
    """Make all threads of this process share `HEAPS` heaps (glibc); to be called before there are any."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, HEAPS)
