"""The real service under a real server, and what tests ask of it."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.api.server import Server
from service.api.server import server as make_server
from service.api.state import Service
from service.credentials import entry, new_key
from service.settings import Settings

KEYS = {name: new_key() for name in ("web", "app")}
"""API keys of services that ask for one, by name."""
ENTRIES = ",".join(entry(name, key) for name, key in KEYS.items())
"""The same as such a service is told of them."""

PATIENCE = 180.0
"""Seconds that a test waits for anything before it fails."""


def bearer(credential: str) -> dict[str, str]:
    """The header that shows a key or a token."""
    return {"Authorization": f"Bearer {credential}"}


@dataclass(frozen=True)
class Running:
    """A service that answers on 127.0.0.1."""

    port: int
    server: Server
    service: Service
    client: httpx.Client

    def analyse(self, media: bytes, **options: Any) -> httpx.Response:
        """POST raw media."""
        headers = {"Content-Type": "application/octet-stream"}
        return self.client.post("/v1/analyses", content=media, headers=headers, params=options)

    def metric(self, name: str) -> float:
        """The value of one line of /metrics, 0 where it is absent."""
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return 0.0

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    @contextmanager
    def upload(self, beginning: bytes, *, accept: str = "*/*", kind: str = "video/mp4") -> Iterator[socket.socket]:
        """Begin a chunked upload and leave it open; `chunk` makes what follows."""
        with self.connect() as connection:
            head = (
                f"POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nContent-Type: {kind}\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
            )
            connection.sendall(head.encode() + chunk(beginning))
            yield connection

    def wait_for_idle(self) -> None:
        """Wait until no analysis runs."""
        wait_until(lambda: self.metric("attune_active_analyses") == 0)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; the last one for no data."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as a warning or worse."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def read_until(connection: socket.socket, text: bytes, seen: bytes = b"") -> bytes:
    """Read until `text` was seen; all that was read, after `seen`."""
    while text not in seen:
        data = connection.recv(65_536)
        assert data, f"closed after {seen!r}"
        seen += data
    return seen


def read_all(connection: socket.socket, seen: bytes = b"") -> bytes:
    """Read to the end of the connection."""
    while data := connection.recv(65_536):
        seen += data
    return seen


@contextmanager
def run(**settings: Any) -> Iterator[Running]:
    """Run the service with the given settings until the block ends."""
    settings.setdefault("checkpoint_key", "a key that every test service shares")
    server = make_server(Settings(port=0, **settings))
    thread = threading.Thread(target=server.run, daemon=True)  # a test run that crashed can end
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started, "the service did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    service = server.config.app.state.service  # type: ignore[union-attr]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
            yield Running(port, server, service, client)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the service did not stop"
