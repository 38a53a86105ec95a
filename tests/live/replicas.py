"""Replicas of the service as processes of their own, to be killed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from api.harness import PATIENCE, wait_until


class Replica:
    """One process that serves on a port of its own and can be killed and started again."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    def start(self) -> None:
        """Start it; it is ready some seconds later."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve", "--port", str(self.port), "--workers", "1"],
            env={**os.environ, "ATTUNE_CHECKPOINT_KEY": "the key that all replicas share"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_until_ready(self) -> None:
        """Return once it takes sessions."""

        def ready() -> bool:
            process = self._process
            assert process is not None, "it was not started"
            assert process.poll() is None, "it ended by itself"
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}/health/ready", trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready)

    def kill(self) -> None:
        """SIGKILL, as a machine that dies."""
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal and wait for the end."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None


@contextmanager
def replicas(count: int) -> Iterator[list[Replica]]:
    """That many, ready, with one checkpoint key."""
    all_of_them = [Replica() for _ in range(count)]
    try:
        for replica in all_of_them:
            replica.start()
        for replica in all_of_them:
            replica.wait_until_ready()
        yield all_of_them
    finally:
        for replica in all_of_them:
            replica.kill()
