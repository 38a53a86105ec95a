"""Replicas of the service as processes of their own, to be stopped, killed and started again."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from api.harness import PATIENCE, wait_until


def lasting_port() -> int:
    """A free port that stays free while nobody listens on it: the system lends it to no outgoing connection, unless
    it lends nearly all."""
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    kept: list[int] = [*range(10_000, lowest), *range(max(highest + 1, 10_000), 65_536)]
    while True:
        port = random.choice(kept or list(range(10_000, 65_536)))  # noqa: S311  (nothing secret)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


class Replica:
    """One process that serves on a port of its own and can be killed and started again."""

    def __init__(
        self,
        log: Path | None = None,
        *,
        within: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
        **settings: Any,
    ) -> None:
        """`settings` that are not None go into its environment, beside `environment`; what it logs goes to the end of
        `log`; `within` is a command that does something to the process and then becomes what follows it."""
        self.port = lasting_port()
        self._log = log or Path(os.devnull)
        self._settings = {"checkpoint_key": "the key that all replicas share", **settings}
        self._within = within
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves live sessions."""
        return f"ws://127.0.0.1:{self.port}/v1/stream"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "it was not started"
        return self._process.pid

    def start(self) -> None:
        """Start it; it is ready some seconds later."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._within, sys.executable, "-m", "service", "serve", "--port", str(self.port), "--workers", "1"],
                env={
                    **os.environ,
                    **self._environment,
                    **{f"ATTUNE_{name.upper()}": str(it) for name, it in self._settings.items() if it is not None},
                },
                stdout=log,
                stderr=log,
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

    def ended(self) -> int:
        """Wait until it ends by itself; its exit code."""
        process, self._process = self._process, None
        assert process is not None, "it was not started"
        return process.wait(PATIENCE)

    def kill(self) -> None:
        """SIGKILL, as a machine that dies."""
        self.stop(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, which runs."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """Send a signal and wait for the end; the exit code, None where it was not running."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.send_signal(number)
        return process.wait(PATIENCE)


@contextmanager
def replicas(count: int, folder: Path | None = None, **settings: Any) -> Iterator[list[Replica]]:
    """That many, ready, with one checkpoint key and these settings; their logs go to `folder`."""
    logs = [folder / f"replica-{number}.log" if folder else None for number in range(1, count + 1)]
    all_of_them = [Replica(log, **settings) for log in logs]
    with ExitStack() as stack:
        for replica in all_of_them:
            stack.callback(replica.kill)
            replica.start()
        for replica in all_of_them:
            replica.wait_until_ready()
        yield all_of_them
