"""How much of the machine a decoding process may take: the kernel's bounds on resources."""

import math
import os
import resource
import signal
import stat
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

DESCRIPTORS: Final = 1024
"""Descriptors of one process: two for each of its sessions and some of its own."""
_SMALLEST_FILE: Final = 1 << 20
"""Bytes of one file where no spooling is wanted: what it writes down of its end lies in a file of memory."""
_INTERVAL: Final = 1.0
"""Seconds between two looks at the time that threads have taken."""
_PARALLEL: Final = 8
"""Cores that one process keeps busy at most: there is a process for each core."""
_STDERR: Final = 2


def bound(memory_bytes: int, file_bytes: int) -> None:
    """Bound the address space, each file that is written, descriptors and core files, for good."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold media
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    _lower(resource.RLIMIT_NOFILE, DESCRIPTORS)
    if not _logs_to_file():
        _lower(resource.RLIMIT_FSIZE, max(file_bytes, _SMALLEST_FILE))


def _lower(limit: int, most: int) -> None:
    hard = resource.getrlimit(limit)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))


def _logs_to_file() -> bool:
    """Whether the log is a regular file, which the service and its processes fill together without a bound."""
    try:
        return stat.S_ISREG(os.fstat(_STDERR).st_mode)
    except OSError:
        return False


class CpuGuard(threading.Thread):
    """Ends a process that computes without getting anywhere, by SIGXCPU.

    A session's thread that computes for `seconds` without taking bytes or giving anything back gets the signal itself.
    A thread that lets no other run, this one included, gets it from the kernel: the process may compute for little
    longer than `seconds`, and is allowed as much anew once a second.
    """

    def __init__(self, seconds: float, busy: Callable[[], Mapping[int, float]]) -> None:
        """`busy`: the threads with something in hand, and a mark that changes whenever they get on."""
        super().__init__(name="cpu guard", daemon=True)
        self._seconds = seconds
        self._busy = busy
        self._marks: dict[int, tuple[float, float]] = {}
        # Between two looks several threads may compute at once, and one look may come late.
        self._allowance = math.ceil(seconds) + 2 * math.ceil(_INTERVAL) * min(os.cpu_count() or 1, _PARALLEL)
        self._hard = resource.getrlimit(resource.RLIMIT_CPU)[1]

    def run(self) -> None:
        """Look once a second, for ever."""
        while True:
            self.look()
            time.sleep(_INTERVAL)

    def look(self) -> None:
        """Allow the process more time, and strike the threads that have had too much."""
        soft = math.ceil(time.process_time()) + self._allowance
        if self._hard != resource.RLIM_INFINITY:
            soft = min(soft, self._hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, self._hard))
        busy = self._busy()
        alive = {thread.ident: thread.native_id for thread in threading.enumerate()}
        for ident in self._marks.keys() - busy.keys():
            del self._marks[ident]
        for ident, mark in busy.items():
            if (native := alive.get(ident)) is not None:
                self._judge(ident, native, mark)

    def _judge(self, ident: int, native: int, mark: float) -> None:
        try:
            used = time.clock_gettime(_clock(native))
        except OSError:  # it has just ended
            return
        known, since = self._marks.get(ident, (None, 0.0))
        if known != mark:
            self._marks[ident] = mark, used
        elif used - since >= self._seconds:
            signal.pthread_kill(ident, signal.SIGXCPU)


def _clock(native: int) -> int:
    """The clock of the time that a thread has computed: its number inverted, and CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED.

    pthread_getcpuclockid(3) gives the same, but may crash for a thread that has just ended.
    """
    return (~native << 3) | 0b110
