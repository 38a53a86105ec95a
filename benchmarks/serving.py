"""The service as a process of its own, and what it uses."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError

SAMPLE = Path(__file__).parent.parent / "service/page/sample.mp4"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_START_SECONDS = 120.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Server:
    """A running service."""

    pid: int
    port: int
    ready_after: float
    """Seconds from the start of its process until it was ready."""

    @property
    def processes(self) -> list[int]:
        """The service and its decoding processes."""
        parents = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
        return [self.pid, *(pid for pid, parent in parents.items() if parent == self.pid)]

    @property
    def resident_bytes(self) -> int:
        """Resident memory of all its processes."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in self.processes)

    @property
    def proportional_bytes(self) -> int:
        """Memory of all its processes, where pages that several of them share count once."""
        return sum(map(_proportional_bytes, self.processes))

    @property
    def own_proportional_bytes(self) -> int:
        """Of that, what the process that speaks HTTP and runs the networks holds."""
        return _proportional_bytes(self.pid)

    @property
    def cpu_seconds(self) -> float:
        """Processor time that all its processes have used."""
        return sum(_cpu_seconds(Path(f"/proc/{pid}/stat")) for pid in self.processes)

    @property
    def own_cpu_seconds(self) -> float:
        """Of that, what the process that speaks HTTP and runs the networks has used."""
        return _cpu_seconds(Path(f"/proc/{self.pid}/stat"))


@contextmanager
def serving(**settings: object) -> Iterator[Server]:
    """Run the service with these settings until the block ends."""
    options = [text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    with answering("service", "serve", "--log-level", "warning", *options) as server:
        yield server


@contextmanager
def answering(*command: str, log: IO[bytes] | None = None) -> Iterator[Server]:
    """Run a module with these arguments and a free `--port`, until the block ends; its standard error goes to `log`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", *command, "--port", str(port)], stderr=log)
    try:
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > began + _START_SECONDS:
                raise RuntimeError("the service did not start")
            time.sleep(_POLL_SECONDS)
        yield Server(process.pid, port, time.monotonic() - began)
    finally:
        process.terminate()
        process.wait()


def say(text: str) -> None:
    """Write a line of a benchmark's table."""
    print(text, file=sys.stderr, flush=True)


def save(report: Mapping[str, Any], file: Path | None) -> None:
    """Write a benchmark's report where that was asked for."""
    if file:
        file.write_text(json.dumps(report, indent=1) + "\n")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:  # nosec B310
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it ended meanwhile


def _proportional_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * int(re.findall(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[0])


def _cpu_seconds(stat: Path) -> float:
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS
