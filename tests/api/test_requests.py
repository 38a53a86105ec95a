"""Request ids: taken over or made, sent back, and in every line that the log has of a request."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.harness import PATIENCE, Running, chunk, read_until, wait_until
from api.talking import Talk, talk
from fastapi import FastAPI
from live.replicas import Replica, replicas
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from service.api import problems
from service.api.requests import REQUEST_ID, Requests
from service.credentials import entry, new_key
from service.logs import note, noted
from service.protocol.messages import SUBPROTOCOL, SessionCreated

MADE = re.compile(r"[0-9a-f]{32}")


class Between:
    """Middleware that notes the statuses of what passes through it."""

    def __init__(self, app: ASGIApp, *, passed: list[int]) -> None:
        self._app = app
        self._passed = passed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._passed.append(message["status"])
            await send(message)

        await self._app(scope, receive, answer)


@pytest.mark.parametrize("name", ["a", "0af7651916cd43dd8448eb211c80319c", "A-b_c.9", "x" * 128])
def test_a_safe_id_is_taken_over(running: Running, name: str) -> None:
    assert running.client.get("/v1/model", headers={REQUEST_ID: name}).headers[REQUEST_ID] == name


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "a\tb", '{"a":1}', "a;b", "ä", "a/b", "%0a"])
def test_any_other_is_replaced(running: Running, name: str) -> None:
    answer = running.client.get("/v1/model", headers=[(REQUEST_ID.encode(), name.encode())])
    assert MADE.fullmatch(answer.headers[REQUEST_ID])


def test_every_request_has_an_id_of_its_own_refused_ones_included(running: Running) -> None:
    paths = ("/v1/model", "/v1/nothing", "/", "/health/live", "/metrics", "/openapi.json", "/v1/analyses")
    answers = [running.client.get(path) for path in paths * 2]
    assert len({answer.headers[REQUEST_ID] for answer in answers}) == 2 * len(paths)
    assert all(answer.headers.get_list(REQUEST_ID) == [answer.headers[REQUEST_ID]] for answer in answers)


def test_an_event_stream_and_an_answer_before_the_end_of_the_upload_have_one_too(running: Running, clip: bytes) -> None:
    with running.upload(clip, accept="text/event-stream", kind="video/x-matroska") as connection:
        connection.sendall(chunk(b""))
        assert b"x-request-id: " in read_until(connection, b"event: result")
    with running.upload(b"no media at all " * 4096) as connection:
        head = read_until(connection, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 415 ")
        assert b"x-request-id: " in head


def test_a_handshake_has_one_whether_it_is_accepted_or_refused(running: Running) -> None:
    with talk(running, headers={REQUEST_ID: "handshake"}) as session:
        assert session.socket.response is not None
        assert session.socket.response.headers[REQUEST_ID] == "handshake"
    head = (
        "GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{REQUEST_ID}: refused\r\n\r\n"
    )
    with running.connect() as connection:
        connection.sendall(head.encode())
        answer = read_until(connection, b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert b"x-request-id: refused\r\n" in answer


@pytest.mark.parametrize("among_routes", [True, False])
def test_a_defect_is_answered_with_the_id_and_without_its_internals(among_routes: bool) -> None:
    app = FastAPI()
    passed: list[int] = []

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret of the house")

    if among_routes:
        problems.install(app)
    app.add_middleware(Between, passed=passed)
    app.add_middleware(Requests)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)  # one that fails where the application raises
        async with httpx.AsyncClient(transport=transport, base_url="http://attune") as client:
            return await client.get("/broken", headers={REQUEST_ID: "r-1"})

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["code"], answer.headers[REQUEST_ID]) == (500, "internal_error", "r-1")
    assert "secret" not in answer.text
    assert passed == ([500] if among_routes else []), "other middleware adds what belongs to every answer"


# The log


def test_a_request_whose_client_left_is_cancelled_whatever_was_to_be_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse_nobody(*_: object) -> None:
        note(code="busy")

    async def silence() -> Message:
        raise AssertionError

    async def nowhere(_: Message) -> None:
        raise AssertionError

    noted_as: list[str] = []

    def keep(_: logging.LogRecord) -> bool:
        noted_as.append(noted()["code"])
        return True

    scope = {"type": "http", "method": "POST", "path": "/v1/analyses", "headers": [], "app": FastAPI()}
    caplog.set_level(logging.INFO)
    logger = logging.getLogger("service.api.requests")
    logger.addFilter(keep)
    try:
        asyncio.run(Requests(refuse_nobody)(scope, silence, nowhere))
    finally:
        logger.removeFilter(keep)
    [record] = caplog.records
    assert (record.__dict__["status"], record.__dict__["code"], noted_as) == (499, "cancelled", ["cancelled"])


KEY = new_key()


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replica, Path]]:
    """A replica that logs as JSON and asks for `KEY`, and its log."""
    folder = tmp_path_factory.mktemp("log")
    with replicas(1, folder, log_format="json", api_keys=entry("camera-7", KEY)) as [one]:
        yield one, folder / "replica-1.log"


def entries(log: Path, **fields: Any) -> list[dict[str, Any]]:
    """The lines of a log that have these fields; all lines must be objects."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if fields.items() <= line.items()]


def test_the_log_says_of_an_upload_whose_it_was_and_how_it_ended(replica: tuple[Replica, Path], clip: bytes) -> None:
    one, log = replica
    with httpx.Client(base_url=f"http://127.0.0.1:{one.port}", timeout=PATIENCE, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {KEY}", REQUEST_ID: "up-1"}
        assert client.post("/v1/analyses", content=clip, headers=headers).status_code == 200
        assert client.post("/v1/analyses", content=b"no media", headers={**headers, REQUEST_ID: "up-2"}).is_error
        assert client.post("/v1/analyses", content=clip, headers={REQUEST_ID: "up-3"}).status_code == 401
    wait_until(lambda: bool(entries(log, request="up-3")))
    analysis, request = entries(log, request="up-1")
    assert (analysis["outcome"], analysis["bytes"], analysis["key"]) == ("ok", len(clip), "camera-7")
    assert 0 < analysis["seconds"] <= request["seconds"] < PATIENCE
    told = {name: request[name] for name in ("method", "route", "status", "code", "key", "level")}
    assert told == {
        "method": "POST",
        "route": "/v1/analyses",
        "status": 200,
        "code": "ok",
        "key": "camera-7",
        "level": "INFO",
    }
    assert [line.get("code") for line in entries(log, request="up-2")][-1] == "unsupported_media"
    [refused] = entries(log, request="up-3")
    assert (refused["status"], refused["code"]) == (401, "unauthorized")
    assert "key" not in refused


def test_the_log_says_of_a_session_what_its_client_was_told(replica: tuple[Replica, Path], clip: bytes) -> None:
    one, log = replica
    headers = {"Authorization": f"Bearer {KEY}", REQUEST_ID: "live-1"}
    with connect(one.url, subprotocols=[Subprotocol(SUBPROTOCOL)], additional_headers=headers, proxy=None) as socket:
        session = Talk(socket)
        name = session.hear_until(SessionCreated).session
        session.media(clip)
        session.end()
    wait_until(lambda: bool(entries(log, session=name, outcome="ok")))
    opened, ended = entries(log, request="live-1")
    assert (opened["method"], opened["route"], opened["status"]) == ("WS", "/v1/stream", 101)
    assert (ended["session"], ended["key"], ended["outcome"], ended["bytes"]) == (name, "camera-7", "ok", len(clip))


def test_the_log_holds_no_key_token_query_file_name_or_unknown_path(replica: tuple[Replica, Path], clip: bytes) -> None:
    one, log = replica
    with httpx.Client(base_url=f"http://127.0.0.1:{one.port}", timeout=PATIENCE, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        token = client.post("/v1/tokens", headers=headers).json()["token"]
        client.post("/v1/analyses?horizon=0.7311", files={"file": ("my-holidays.mkv", clip)}, headers=headers)
        client.get("/v1/my-path", headers={REQUEST_ID: "last", "User-Agent": "my-agent"})
    with connect(f"{one.url}?token={token}", subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None) as socket:
        Talk(socket).hear()
    wait_until(lambda: len(entries(log, method="WS", key="camera-7")) + len(entries(log, outcome="cancelled")) >= 1)
    text = log.read_text()
    for secret in (KEY, token, "0.7311", "my-holidays", "my-path", "my-agent"):
        assert secret not in text
