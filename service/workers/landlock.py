"""Which files a process may touch, by the kernel's Landlock (https://docs.kernel.org/userspace-api/landlock.html).

Called by number, as the kernel documents them, since the C library has no functions for them; the one package for it
on the index is an early preview that knows neither scopes nor network.
"""

import ctypes
import os
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, equal on every architecture."""
_VERSION: Final = 1
"""LANDLOCK_CREATE_RULESET_VERSION."""
_PATH_BENEATH: Final = 1
"""LANDLOCK_RULE_PATH_BENEATH."""
_WRITE_FILE, _READ_FILE, _REMOVE_FILE, _MAKE_REG, _TRUNCATE = 1 << 1, 1 << 2, 1 << 5, 1 << 8, 1 << 14
_TEMPORARY: Final = _WRITE_FILE | _READ_FILE | _REMOVE_FILE | _MAKE_REG
"""What making, filling and removing a temporary file takes."""


class _Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr: what is forbidden unless a rule allows it; older kernels know only its start."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    """struct landlock_path_beneath_attr: what is allowed in a folder and below."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def restrict(folder: Path) -> None:
    """Let the calling thread, and threads that it starts from now on, touch no file but those below `folder`.

    There they may be made, written, read and removed; nothing may be run. With newer kernels they may not use TCP
    either, nor device controls, nor abstract sockets of processes that are not confined with them, nor send these a
    signal. What is open stays open. Without the folder no file at all may be touched. The process must have given up
    gaining privileges before. Raises OSError where the kernel has no Landlock.
    """
    version = _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    ruleset = _ruleset(version)
    handle = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), ctypes.c_uint32(0))
    try:
        _allow(handle, folder, (_TEMPORARY | _TRUNCATE) & ruleset.files)
        _call(_RESTRICT_SELF, ctypes.c_int(handle), ctypes.c_uint32(0))
    finally:
        os.close(handle)


def _ruleset(version: int) -> _Ruleset:
    """All that the kernel's version of Landlock can forbid."""
    files = 13  # rights of the first version, then one more each: REFER, TRUNCATE, IOCTL_DEV
    files += (version >= 2) + (version >= 3) + (version >= 5)
    return _Ruleset((1 << files) - 1, 0b11 if version >= 4 else 0, 0b11 if version >= 6 else 0)


def _allow(handle: int, folder: Path, rights: int) -> None:
    try:
        below = os.open(folder, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        rule = _PathBeneath(rights, below)
        _call(_ADD_RULE, ctypes.c_int(handle), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(below)


def _call(number: int, *arguments: object) -> int:
    system_call = ctypes.CDLL(None, use_errno=True).syscall
    system_call.restype = ctypes.c_long
    result = int(system_call(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
