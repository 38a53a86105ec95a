"""The service as a process of its own, what it uses, and sessions that stream to it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.webm import Piece

SAMPLE = Path(__file__).parent.parent / "service/page/sample.mp4"
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running service."""

    pid: int
    port: int

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
    def cpu_seconds(self) -> float:
        """Processor time that all its processes have used."""
        return sum(_cpu_seconds(Path(f"/proc/{pid}/stat")) for pid in self.processes)


@dataclass(slots=True)
class Session:
    """What one session was told."""

    delays: list[float] = field(default_factory=list)
    """Seconds from arrival to departure, of measurements after the warm-up."""
    measurements: int = 0
    summary: dict[str, Any] | None = None
    errors: list[str] = field(default_factory=list)


@contextmanager
def serving(**settings: object) -> Iterator[Server]:
    """Run the service with these settings until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    options = [text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--log-level", "warning", *options]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the service did not start")
            time.sleep(0.2)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait()


async def stream(server: Server, pieces: Iterable[Piece], *, paced: bool, warm_up: float, **update: object) -> Session:
    """One session that sends `pieces`, `paced` by their times or as fast as the service takes them."""
    session = Session()
    url = f"ws://127.0.0.1:{server.port}/v1/stream"
    # Answers to pings wait behind media that is not read yet.
    async with connect(
        url, subprotocols=[Subprotocol("attune.v1")], max_size=None, ping_timeout=None, proxy=None
    ) as connection:
        receiving = asyncio.create_task(_receive(connection, session, warm_up))
        await connection.send(json.dumps({"type": "session.update", **update}))
        began = time.monotonic()
        for piece in pieces:
            if paced and (ahead := began + piece.time - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            await connection.send(piece.data)
        await connection.send(json.dumps({"type": "session.close"}))
        await receiving
    return session


async def _receive(connection: ClientConnection, session: Session, warm_up: float) -> None:
    async for text in connection:
        message = json.loads(text)
        if message["type"] == "measurement":
            session.measurements += 1
            if message["time"] >= warm_up and message["delay"] is not None:
                session.delays.append(message["delay"])
        elif message["type"] == "session.summary":
            session.summary = message
        elif message["type"] == "error":
            session.errors.append(message["code"])


def say(text: str) -> None:
    """Write a line of a benchmark's table."""
    print(text, file=sys.stderr, flush=True)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # it ended meanwhile


def _cpu_seconds(stat: Path) -> float:
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS
