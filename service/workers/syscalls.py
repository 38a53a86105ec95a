"""Which system calls a decoding process may make, once it has loaded all that it needs: a seccomp filter.

The list is what Python's threads, the memory allocator, the session sockets, logging and temporary files take, found by
tracing all of the test media. Whatever is not on it fails with EPERM, as if the user were not allowed to.
"""

import errno
import fcntl
import mmap
import os
import resource
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_PLAIN: Final = (
    # descriptors that are open: the session sockets, the log, the temporary file
    *("read", "readv", "pread64", "write", "writev", "pwrite64", "lseek", "close", "dup", "dup2", "dup3", "pipe2"),
    *("recvfrom", "recvmsg", "shutdown", "getsockopt", "getsockname", "getpeername", "fstat"),
    *("poll", "ppoll", "select", "pselect6", "eventfd2"),
    # memory
    *("brk", "munmap", "mremap", "madvise", "mbind"),
    # threads
    *("futex", "sched_yield", "sched_getaffinity", "sched_getscheduler", "sched_getparam", "set_robust_list", "rseq"),
    *("gettid", "getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "membarrier", "getcpu"),
    *("exit", "exit_group", "restart_syscall"),
    # signals of its own
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack"),
    # clocks, chance, numbers
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom"),
    *("getrusage", "times", "uname", "sysinfo", "getpriority"),
)
_CONTROLS: Final = (termios.FIONBIO, termios.FIOCLEX, termios.FIONCLEX, termios.FIONREAD, termios.TCGETS)
"""ioctl requests: blocking, closing on exec, what can be read, whether it is a terminal."""
_DESCRIPTOR_FLAGS: Final = (fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC)
_THREAD_FLAGS: Final = 0x00000100 | 0x00000800 | 0x00010000
"""CLONE_VM, CLONE_SIGHAND, CLONE_THREAD: a thread of the same process."""
_NAMESPACE_FLAGS: Final = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""CLONE_NEWNS, -CGROUP, -UTS, -IPC, -USER, -PID, -NET."""
_EMPTY_PATH: Final = 0x1000
"""AT_EMPTY_PATH: about an open descriptor, not a path."""
_SET_NAME, _SET_VMA = 15, 0x53564D41
"""PR_SET_NAME and PR_SET_VMA: names of threads and of memory."""


def restriction(folder: Path) -> Callable[[], None]:
    """What installs the filter for every thread of the process, those that run included; not to be undone.

    No file that exists may be opened; new ones may, those without a name where `folder` can hold such ones, else by
    name, and names removed. No process may be started, traced or sent a signal, except that threads may send signals
    to one another; no socket made or connected; no memory made executable. Raises ImportError or RuntimeError where
    libseccomp is missing; what it gives raises OSError where the kernel takes no filter.
    """
    import pyseccomp as seccomp  # only Linux has it, and importing it looks for the library

    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    rules.set_attr(seccomp.Attr.CTL_TSYNC, 1)
    for name in _PLAIN:
        rules.add_rule(seccomp.ALLOW, name)
    # glibc starts threads by clone where clone3, whose flags no filter can read, is not there
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    _allow_by_arguments(seccomp, rules)
    if _holds_unnamed(folder):
        _allow_masked(seccomp, rules, "openat", 2, os.O_TMPFILE, os.O_TMPFILE)
    else:
        _allow_masked(seccomp, rules, "openat", 2, os.O_CREAT | os.O_EXCL, os.O_CREAT | os.O_EXCL)
        rules.add_rule(seccomp.ALLOW, "unlink")
        rules.add_rule(seccomp.ALLOW, "unlinkat")
    load: Callable[[], None] = rules.load
    return load


def _allow_by_arguments(seccomp: Any, rules: Any) -> None:
    """What depends on whom or what it is about."""

    def allow(name: str, *wanted: tuple[int, int]) -> None:
        rules.add_rule(seccomp.ALLOW, name, *(seccomp.Arg(position, seccomp.EQ, value) for position, value in wanted))

    allow("sendto", (4, 0))  # to whom it is connected
    allow("tgkill", (0, os.getpid()))
    allow("setpriority", (0, os.PRIO_PROCESS), (1, 0))  # the calling thread's
    allow("prlimit64", (0, 0), (2, 0))  # ask
    allow("prlimit64", (0, 0), (1, resource.RLIMIT_CPU))
    for request in _CONTROLS:
        allow("ioctl", (1, request))
    for command in _DESCRIPTOR_FLAGS:
        allow("fcntl", (1, command))
    for option in (_SET_NAME, _SET_VMA):
        allow("prctl", (0, option))
    for call in ("mmap", "mprotect"):
        _allow_masked(seccomp, rules, call, 2, mmap.PROT_EXEC, 0)
    _allow_masked(seccomp, rules, "clone", 0, _THREAD_FLAGS | _NAMESPACE_FLAGS, _THREAD_FLAGS)
    _allow_masked(seccomp, rules, "newfstatat", 3, _EMPTY_PATH, _EMPTY_PATH)


def _allow_masked(seccomp: Any, rules: Any, name: str, position: int, mask: int, value: int) -> None:
    rules.add_rule(seccomp.ALLOW, name, seccomp.Arg(position, seccomp.MASKED_EQ, mask, value))


def _holds_unnamed(folder: Path) -> bool:
    """Whether the file system of `folder` can hold files without a name; so where there is no folder at all."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600))
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
