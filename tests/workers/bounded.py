"""A process that takes more of the machine than it may: `bounded.py WHAT`. Prints the error that it gets, by name."""

import errno
import hashlib
import os
import sys
import tempfile
import threading
import time

from service.workers.limits import DESCRIPTORS, CpuGuard, bound

MEMORY, FILE = 2**31, 2**21
CPU_SECONDS = 0.2


def memory() -> None:
    """More address space than allowed."""
    try:
        bytearray(2 * MEMORY)
    except MemoryError:
        raise OSError(errno.ENOMEM, "") from None


def file() -> None:
    """A file of more bytes than allowed; those that are allowed can be written."""
    with tempfile.TemporaryFile(buffering=0) as spool:
        spool.write(bytes(FILE))
        spool.write(b"x")


def descriptors() -> None:
    """More descriptors than allowed."""
    for _ in range(DESCRIPTORS):
        os.dup(2)


def thread() -> None:
    """One thread computes beyond the interpreter, and never gets on; another waits, a third gets on."""
    began = time.monotonic()
    marks: dict[int, float] = {}
    CpuGuard(CPU_SECONDS, lambda: marks | {own: time.monotonic()}).start()

    def spin() -> None:
        marks[threading.get_ident()] = began
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)

    own = threading.get_ident()
    waiting = threading.Thread(target=time.sleep, args=(60,), daemon=True)
    waiting.start()
    marks[waiting.ident or 0] = began
    threading.Thread(target=spin, daemon=True).start()
    while time.monotonic() - began < 60:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1000)


def interpreter() -> None:
    """One thread never lets another run, the guard included."""
    CpuGuard(CPU_SECONDS, dict).start()
    sum(range(10**15))


if __name__ == "__main__":
    bound(MEMORY, FILE)
    try:
        globals()[sys.argv[1]]()
    except OSError as error:
        print(errno.errorcode[error.errno or 0])  # noqa: T201
