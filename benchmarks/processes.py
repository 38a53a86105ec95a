"""Other processes on chosen cores: what they take, and what they say."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Used:
    """What processes took that ran at the same time."""

    seconds: float
    """From the start of the first to the end of the last."""
    cpu_seconds: float
    """Of all of them."""
    peak_bytes: int
    """Resident memory of the largest."""


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def run_together(commands: Sequence[Sequence[str | Path]], cores: Sequence[int]) -> Used:
    """Run all commands at once on these cores. Raises CalledProcessError for one that fails."""
    began = time.perf_counter()
    processes = [subprocess.Popen(command, cwd=ROOT, preexec_fn=_pin(cores)) for command in commands]
    cpu, peak = 0.0, 0
    for process in processes:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss * 1024)
    seconds = time.perf_counter() - began
    for process in processes:
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return Used(seconds, cpu, peak)


def told_by(command: Sequence[str | Path], core: int) -> Any:
    """Run a command on one core; the JSON of the last line that it writes. Raises CalledProcessError if it fails.

    What it says on standard error is passed on only then: the libraries of rivals are talkative.
    """
    done = subprocess.run(command, cwd=ROOT, preexec_fn=_pin([core]), capture_output=True, check=False)
    if done.returncode:
        sys.stderr.buffer.write(done.stderr)
        done.check_returncode()
    return json.loads(done.stdout.splitlines()[-1])


def module(name: str, *arguments: str | Path) -> list[str | Path]:
    """The command that runs a module with this Python."""
    return [sys.executable, "-m", name, *arguments]


def _pin(cores: Sequence[int]) -> Any:
    return lambda: os.sched_setaffinity(0, cores)
