"""What the shipped configurations of nginx and HAProxy let through, keep back and write down."""

import asyncio
import json
import socket
from pathlib import Path

import httpx
import pytest
from api.harness import PATIENCE, Running, chunk, read_all, read_until, wait_until
from balancing.balancers import DOCKER, Balancer, upstreams
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from service.timeline import AnalysisResult

_ATTUNE = [Subprotocol("attune.v1")]


def _head(edge: Balancer, accept: str) -> bytes:
    return (
        f"POST /v1/analyses HTTP/1.1\r\nHost: 127.0.0.1:{edge.port}\r\nAccept: {accept}\r\nConnection: close\r\n"
        "Content-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


def _connect(edge: Balancer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE)


def test_an_upload_through_a_balancer_gives_the_same_answer(service: Running, edge: Balancer, sample: Path) -> None:
    data = sample.read_bytes()
    direct = AnalysisResult.model_validate_json(service.analyse(data).content)
    with _connect(edge) as connection:
        connection.sendall(_head(edge, "application/json") + chunk(data) + chunk(b""))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    through = AnalysisResult.model_validate_json(answer[answer.index(b"{") : answer.rindex(b"}") + 1])
    assert through.media == direct.media
    for one, other in zip(through.people, direct.people, strict=True):
        assert one.summary.probabilities == pytest.approx(other.summary.probabilities, abs=1e-5)


def test_an_upload_is_analysed_before_its_last_byte_is_sent(service: Running, edge: Balancer, sample: Path) -> None:
    data = sample.read_bytes()
    with _connect(edge) as connection:
        connection.sendall(_head(edge, "text/event-stream") + chunk(data[: len(data) // 2]))
        wait_until(lambda: service.metric("attune_active_analyses") == 1)
        seen = read_until(connection, b"event: progress")
        connection.sendall(chunk(data[len(data) // 2 :]) + chunk(b""))
        assert b"event: result" in read_all(connection, seen)


def test_a_refusal_reaches_the_client_while_it_sends(service: Running, edge: Balancer) -> None:
    with _connect(edge) as connection:
        connection.sendall(_head(edge, "application/json") + chunk(b"no media at all " * 4096))
        answer = read_until(connection, b'"code":"unsupported_media"')
    assert answer.startswith(b"HTTP/1.1 415")
    service.wait_for_idle()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/metrics", "/internal/drain", "/internal/", "/%6detrics", "/%69nternal/drain"])
def test_what_is_for_those_who_run_the_service_is_kept_from_the_world(edge: Balancer, path: str, method: str) -> None:
    with _connect(edge) as connection:  # a bare one, since clients write paths anew
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert read_all(connection).startswith(b"HTTP/1.1 404")


def test_a_request_keeps_its_id_and_one_without_gets_one(edge: Balancer) -> None:
    given = httpx.get(f"{edge.url}/v1/model", headers={"X-Request-ID": "chosen-by-the-caller"}, trust_env=False)
    assert given.headers["X-Request-ID"] == "chosen-by-the-caller"
    made = httpx.get(f"{edge.url}/v1/model", trust_env=False).headers["X-Request-ID"]
    wait_until(lambda: {"chosen-by-the-caller", made} <= {request["request"] for request in edge.requests()})


def test_a_page_of_the_balancers_own_origin_may_open_sessions_and_another_may_not(edge: Balancer) -> None:
    async def greeting(origin: str) -> str:
        url = f"ws://127.0.0.1:{edge.port}/v1/stream"
        async with connect(url, subprotocols=_ATTUNE, origin=Origin(origin), proxy=None) as connection:
            return str(json.loads(await connection.recv())["type"])

    assert asyncio.run(greeting(edge.url)) == "session.created"
    with pytest.raises(Exception, match="403"):
        asyncio.run(greeting("https://example.org"))


def test_neither_queries_nor_addresses_are_written_down(edge: Balancer) -> None:
    async def open_and_leave() -> None:
        url = f"ws://127.0.0.1:{edge.port}/v1/stream?token=a-secret"
        async with connect(url, subprotocols=_ATTUNE, proxy=None) as connection:
            await connection.recv()

    asyncio.run(open_and_leave())
    wait_until(lambda: any(request["path"] == "/v1/stream" for request in edge.requests()))
    assert "a-secret" not in edge.log.read_text()
    replicas = {value for request in edge.requests() for value in [request.get("replicas", "")]}
    written = {value for request in edge.requests() for value in request.values()} - replicas
    assert not any("127.0.0.1" in value for value in written)


def test_the_replicas_of_compose_are_named_as_those_of_the_tests() -> None:
    lines = (DOCKER / "nginx" / "upstream.conf").read_text().splitlines()
    named = [line.split(" ")[1] for line in lines if line.startswith("server ")]
    assert "".join(f"{line}\n" for line in lines if line.startswith("server ")) == upstreams(named)
