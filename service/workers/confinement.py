"""What a decoding process gives up before it meets the first untrusted byte."""

import ctypes
import os
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal, get_args

from service.workers import landlock, syscalls

Part = Literal["no_new_privs", "landlock", "seccomp"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""What may hold: no new privileges by programs that are run; files, by place; system calls."""

_SET_NO_NEW_PRIVS: Final = 38
"""PR_SET_NO_NEW_PRIVS."""


def confine(folder: Path | None) -> dict[Part, str]:
    """Let this process do nothing any more but compute, use what is open and make temporary files in `folder` (None:
    the system's). Gives the parts that this system lacks, and why.

    Call it once all that is needed has been loaded, and before the first thread is started: the kernel binds files to
    threads, not to processes.
    """
    place = Path(tempfile.gettempdir()) if folder is None else folder
    tempfile.tempdir = str(place)
    if sys.platform != "linux":
        return dict.fromkeys(PARTS, f"not on {sys.platform}")
    if reason := _give_up_privileges():
        return dict.fromkeys(PARTS, reason)  # the others may be used only behind it
    lacking: dict[Part, str] = {}
    restrict_calls = None
    try:
        restrict_calls = syscalls.restriction(place)  # reads files, which landlock forbids
    except (OSError, ImportError, RuntimeError) as error:
        lacking["seccomp"] = str(error)
    try:
        if (count := sum(1 for _ in Path("/proc/self/task").iterdir())) > 1:
            lacking["landlock"] = f"{count} threads run already"
        else:
            landlock.restrict(place)
    except OSError as error:
        lacking["landlock"] = str(error)
    if restrict_calls is not None:
        try:
            restrict_calls()
        except OSError as error:
            lacking["seccomp"] = str(error)
    return lacking


def _give_up_privileges() -> str:
    """Give up gaining privileges by running programs; why this is not possible, else nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return os.strerror(ctypes.get_errno())
    return ""
