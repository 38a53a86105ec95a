"""The images' HEALTHCHECK against servers that answer one thing."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import socket

import pytest
from api.stub import answering

SCRIPT = Path(__file__).parent.parent.parent / "docker" / "healthcheck.py"


@contextmanager
def _answering(status: int) -> Iterator[tuple[int, list[str]]]:
    """The port of a server that answers everything with `status`, and what it was asked for."""
    asked = list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with answering(Handler) as port:
        yield port, asked


def _check(port: int, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT],
        env={"ATTUNE_PORT": str(port), **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_a_container_is_healthy_while_the_service_is_ready(status: int, code: int) -> None:
    with _answering(status) as (port, asked):
        assert _check(port) == (code, f"/health/ready answers {status}\n")
    assert asked == ["/health/ready"]


def test_a_container_without_a_service_is_not_healthy_and_says_why() -> None:
    with socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        code, said = _check(unheard.getsockname()[1])
    assert code == 1
    assert "refused" in said


def test_a_proxy_in_the_environment_is_not_asked() -> None:
    with _answering(200) as (port, _), _answering(502) as (proxy, asked):
        assert _check(port, http_proxy=f"http://127.0.0.1:{proxy}")[0] == 0
    assert asked == []
