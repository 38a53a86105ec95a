"""What the kernel does to a process that takes more than it may, and that it leaves others alone."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from service.workers.limits import CpuGuard

PATIENCE = 120.0


def run(what: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(Path(__file__).parent / "bounded.py"), what]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, env=environment)


@pytest.mark.parametrize(("what", "error"), [("memory", b"ENOMEM"), ("file", b"EFBIG"), ("descriptors", b"EMFILE")])
def test_beyond_a_bound_the_process_gets_an_error_and_goes_on(what: str, error: bytes) -> None:
    done = run(what)
    assert (done.returncode, done.stdout.strip()) == (0, error)


@pytest.mark.parametrize("what", ["thread", "interpreter"])
def test_who_computes_without_getting_on_is_ended_by_the_signal_for_it(what: str) -> None:
    assert run(what).returncode == -signal.SIGXCPU


def test_the_bound_on_files_spares_a_log_that_is_a_file(tmp_path: Path) -> None:
    code = (
        "import resource; from service.workers.limits import bound; bound(2**33, 0);"
        "print(*resource.getrlimit(resource.RLIMIT_FSIZE))"
    )
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=log, check=True)
    assert done.stdout.split() == [b"-1", b"-1"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.split() == [b"1048576", b"1048576"]


def test_whoever_gets_on_may_compute_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[int] = []
    monkeypatch.setattr(signal, "pthread_kill", lambda ident, _: struck.append(ident))
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    own, mark = threading.get_ident(), 1.0
    guard = CpuGuard(0.05, lambda: {own: mark})

    def compute(seconds: float) -> None:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            pass

    for _ in range(3):
        guard.look()
        compute(0.06)
        mark += 1
    guard.look()
    assert struck == []
    compute(0.06)
    guard.look()
    assert struck == [own]
