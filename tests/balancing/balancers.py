"""nginx and HAProxy as processes, with the configurations that are shipped."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from api.harness import PATIENCE, wait_until
from live.replicas import lasting_port

DOCKER = Path(__file__).parents[2] / "docker"
_NGINX_LISTENS = "listen 8080;"


@dataclass(frozen=True)
class Balancer:
    """A running balancer."""

    port: int
    log: Path
    """What it writes, one JSON object for each request and other lines."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[dict[str, Any]]:
        """What its log tells of each request that has ended, in the order of their ends."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def nginx(program: str, folder: Path, replicas: Sequence[int]) -> Iterator[Balancer]:
    """nginx with docker/nginx/nginx.conf before the replicas on these ports.

    Changed are what upstream.conf beside it says, which names each deployment's replicas, and the port it listens on.
    """
    port = lasting_port()
    shipped = (DOCKER / "nginx" / "nginx.conf").read_text()
    assert shipped.count(_NGINX_LISTENS) == 1
    config = folder / "nginx.conf"
    config.write_text(shipped.replace(_NGINX_LISTENS, f"listen 127.0.0.1:{port};"))
    (folder / "upstream.conf").write_text(upstreams([f"127.0.0.1:{replica}" for replica in replicas]))
    # As root its workers would become somebody else, who may not write to the test's folder.
    more = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    command = [program, "-p", str(folder), "-c", str(config), "-e", "stderr", "-g", more]
    with _running(command, port, folder / "nginx.log") as balancer:
        yield balancer


def upstreams(addresses: Sequence[str]) -> str:
    """The shipped upstream.conf with these addresses in place of its own."""
    lines = [
        line for line in (DOCKER / "nginx" / "upstream.conf").read_text().splitlines() if line.startswith("server")
    ]
    _, _, *parameters = lines[0].split(" ")
    assert all(line.split(" ")[2:] == parameters for line in lines)
    return "".join(f"{' '.join(['server', address, *parameters])}\n" for address in addresses)


@contextmanager
def haproxy(program: str, folder: Path, replicas: Sequence[int]) -> Iterator[Balancer]:
    """HAProxy with docker/haproxy/haproxy.cfg before the three replicas on these ports."""
    port = lasting_port()
    names = {f"ATTUNE_REPLICA_{number}": f"127.0.0.1:{replica}" for number, replica in enumerate(replicas, 1)}
    command = [program, "-db", "-f", str(DOCKER / "haproxy" / "haproxy.cfg")]
    environment = {**os.environ, **names, "ATTUNE_BIND": f"127.0.0.1:{port}"}
    with _running(command, port, folder / "haproxy.log", environment) as balancer:
        yield balancer


@contextmanager
def _running(
    command: list[str], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Balancer]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as process:
        try:
            wait_until(lambda: process.poll() is not None or _is_ready(port))
            assert process.poll() is None, log.read_text()
            yield Balancer(port, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
