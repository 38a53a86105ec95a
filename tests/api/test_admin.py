"""The admin port: for operators alone, to the end."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from api.harness import Running, run, wait_until
from fastapi import FastAPI

from service.api.admin import create_admin
from service.settings import Settings


@pytest.fixture
def operated() -> Iterator[tuple[Running, httpx.Client]]:
    """A service with an admin port, and a client of that port."""
    with run(workers=1, admin_port=0, drain_delay=2) as service:
        assert service.server.admin is not None
        port = service.server.admin.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield service, client


def test_without_an_admin_port_metrics_are_on_the_main_one_and_nobody_can_ask_for_a_drain(running: Running) -> None:
    assert running.server.admin is None
    assert running.client.get("/metrics").status_code == 200
    assert running.client.post("/internal/drain").status_code == 405  # no more than any path of the page
    assert running.service.drain.has_begun is False


def test_only_this_machine_reaches_it_unless_told_otherwise() -> None:
    assert Settings().admin_host == "127.0.0.1"


def test_it_serves_the_metrics_and_health_and_drains(operated: tuple[Running, httpx.Client]) -> None:
    service, admin = operated
    assert service.client.get("/metrics").status_code == 404
    assert "/metrics" not in service.client.get("/openapi.json").json()["paths"]
    assert "attune_sessions_active 0.0" in admin.get("/metrics").text
    assert admin.get("/openapi.json").status_code == 404
    for client in (service.client, admin):
        assert client.get("/health/live").json() == {"status": "live"}
        assert client.get("/health/ready").json() == {"status": "ready"}

    # Any page may have a browser send this POST, and the browser says so.
    refused = admin.post("/internal/drain", headers={"Origin": "https://example.org"})
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert admin.get("/internal/drain").status_code == 405
    assert admin.get("/health/ready").status_code == 200

    for _ in range(2):
        told = admin.post("/internal/drain")
        assert told.status_code == 202
        assert told.json() == {"phase": "leaving", "analyses": 0, "sessions": 0}
    for client in (service.client, admin):
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "draining")
        assert int(answer.headers["retry-after"]) >= 1
    wait_until(lambda: not service.server.servers[0].is_serving())
    assert admin.get("/health/live").status_code == 200

    def has_gone() -> bool:
        try:
            admin.get("/health/live")
        except httpx.ConnectError:
            return True
        return False

    wait_until(has_gone)


@pytest.mark.parametrize(
    ("admin_host", "host", "status"),
    [
        ("127.0.0.1", "localhost:8001", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("127.0.0.1", "rebound.example:8001", 421),
        ("10.0.0.5", "attune-1:8001", 200),
    ],
)
@pytest.mark.parametrize("path", ["/health/live", "/metrics"])
def test_at_a_loopback_address_it_answers_to_names_of_this_machine_alone(
    running: Running, admin_host: str, host: str, status: int, path: str
) -> None:
    main = running.server.config.app
    assert isinstance(main, FastAPI)
    admin = create_admin(main, Settings(admin_host=admin_host))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(admin), base_url="http://admin") as client:
            return await client.get(path, headers={"Host": host})

    answer = asyncio.run(ask())
    assert answer.status_code == status
    assert status == 200 or "admin port" in answer.json()["detail"]


def test_a_service_whose_admin_port_is_taken_fails_before_it_loads_anything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "service", "serve", "--port", "0", "--admin-port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 3
    assert "address already in use" in done.stderr
