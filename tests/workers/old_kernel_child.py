"""A decoding process on a kernel without landlock, and without libseccomp."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

from service.workers import child, landlock, syscalls
from service.workers.start import Start


def _absent(folder: Path) -> None:  # noqa: ARG001
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def _missing(folder: Path) -> Callable[[], None]:  # noqa: ARG001
    raise RuntimeError("Unable to find libseccomp")


if __name__ == "__main__":
    landlock.restrict = _absent
    syscalls.restriction = _missing
    child.main(Start.from_json(sys.argv[1]))
