"""Tries what a decoding process must not do: `confined.py FOLDER HOME`, the second a folder with a file `secret`.

Prints a JSON object: what the kernel lacks, and for each deed the name of the error that refused it, or `done`.
"""

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from service.workers.confinement import confine

PTRACE_ATTACH = 16
CLONE_NEWUSER = 0x10000000


def main(folder: Path, home: Path) -> None:
    """Confine this process and try."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    ours, _theirs = socket.socketpair()
    deeds: dict[str, Callable[[], object]] = {
        "read a file of the system": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "read a file of the user": lambda: os.open(home / "secret", os.O_RDONLY),
        "read the environment of the parent": lambda: os.open(f"/proc/{parent}/environ", os.O_RDONLY),
        "read the memory of the parent": lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY),
        "read its own environment": lambda: os.open("/proc/self/environ", os.O_RDONLY),
        "read a file of the spool": lambda: os.open(folder / "of another", os.O_RDONLY),
        "make a file elsewhere": lambda: os.open(home, os.O_TMPFILE | os.O_RDWR),
        "make a named file in the spool": lambda: os.open(folder / "new", os.O_CREAT | os.O_EXCL | os.O_WRONLY),
        "remove a file": (folder / "of another").unlink,
        "list a folder": lambda: list(home.iterdir()),
        "look at a file": (home / "secret").stat,
        "rename a file": lambda: (folder / "of another").rename(folder / "mine"),
        "make a socket": socket.socket,
        "make a local socket": lambda: socket.socket(socket.AF_UNIX),
        "connect": lambda: ours.connect("/run/socket"),
        "pass a descriptor on": lambda: socket.send_fds(ours, [b"x"], [0]),
        "fork": os.fork,
        "run a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "signal the parent": lambda: os.kill(parent, 0),
        "signal everyone": lambda: os.kill(-1, 0),
        "trace the parent": lambda: _checked(libc.ptrace(PTRACE_ATTACH, parent, None, None)),
        "copy the memory of the parent": lambda: _checked(libc.process_vm_readv(parent, None, 0, None, 0, 0)),
        "slow the parent down": lambda: os.setpriority(os.PRIO_PROCESS, parent, 19),
        "bound the parent": lambda: resource.prlimit(parent, resource.RLIMIT_CORE, (0, 0)),
        "widen its own bound": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
        "make memory executable": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
        "make a namespace": lambda: _checked(libc.unshare(CLONE_NEWUSER)),
        "mount": lambda: _checked(libc.mount(None, b"/", None, 0, None)),
        "become another user": lambda: os.setuid(12345),
        "use a temporary file": _use_temporary_file,
        "start a thread": _use_thread,
        "signal itself": lambda: signal.raise_signal(signal.SIGCONT),
        "talk over an open socket": lambda: ours.sendall(b"x"),
        "stand back": lambda: os.setpriority(os.PRIO_PROCESS, 0, 5),
        "bound its own time": lambda: resource.setrlimit(resource.RLIMIT_CPU, (1000, -1)),
    }
    lacks = confine(folder)
    print(json.dumps({"lacks": lacks, "deeds": {name: _outcome(deed) for name, deed in deeds.items()}}))  # noqa: T201
    sys.stdout.flush()
    os._exit(0)


def _checked(result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _outcome(deed: Callable[[], object]) -> str:
    try:
        deed()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    except ValueError:  # how Python names EINVAL and EPERM of setrlimit
        return "EPERM"
    return "done"


def _use_temporary_file() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"media")
        file.seek(0)
        assert file.read() == b"media"


def _use_thread() -> None:
    thread = threading.Thread(target=bytes)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
