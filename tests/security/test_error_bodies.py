"""What callers are told of failures: what they did, never how the service is made."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from api.harness import Running, chunk, read_all, run, wait_until
from api.talking import talk
from hostile import bodies, damage, headers, moving
from websockets.exceptions import ConnectionClosed

from service import errors

ROOT = Path(__file__).parents[2]
DEFECT = "secret of the house: /opt/attune/service/engine.py"
LEAKS = re.compile(
    r"""Traceback|File\s\\?"|\.py\b|\.so\b|/(usr|opt|work|tmp|root|home|etc|proc|dev|var|srv)/|site-packages
    |0x[0-9a-f]{6,}|Errno|Error\(|,\sin\s<?\w|secret
    |\b(libav\w*|ffmpeg|pyav|avformat|avcodec|pydantic|starlette|fastapi|uvicorn|numpy|cv2|opencv|pillow|onnxruntime
    |mediapipe|asyncio|socket|tuple|NoneType|dict)\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Names and forms of internals."""
ANSWERS_CALLERS = ("api", "media", "perception", "protocol", "workers", "analysis")
"""Packages whose errors reach callers."""


def tells_nothing(body: str) -> bool:
    """Whether there are no internals in it."""
    return not LEAKS.search(body)


def test_what_would_be_a_leak_is_known_as_one() -> None:
    for text in (
        DEFECT,
        'File "/x"',
        "at /tmp/spool",
        "[Errno 28]",
        "libavformat",
        "ValueError('x')",
        "line 3, in run",
    ):
        assert not tells_nothing(text)
    assert tells_nothing("message: Invalid JSON: expected value at line 1 column 1")


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """One that asks for no key, with narrow bounds."""
    with run(
        workers=1, max_sessions=1, max_upload_bytes=2**20, max_duration=4, max_pixels=640 * 480, max_frame_rate=60
    ) as one:
        yield one


def test_no_refusal_of_bad_media_names_internals(service: Running) -> None:
    makers = (bodies.references, damage.truncations, damage.wrong_types, headers.deep, headers.metadata, moving.times)
    refused = 0
    for item in [item for make in makers for item in [item for item in make() if len(item.media) < 8192][::5]]:
        kind = {"Content-Type": item.content_type}
        answer = service.client.post("/v1/analyses", content=item.media, headers=kind)
        if answer.is_error:
            assert tells_nothing(answer.text), f"{item.title}: {answer.text}"
            refused += 1
    assert refused > 50


def test_no_refusal_of_a_request_names_internals(service: Running, clip: bytes) -> None:
    client = service.client
    long = dict.fromkeys(("faces", "horizon", "timeline_fps", "y" * 3000), "x" * 3000)
    for answer in (
        client.post("/v1/analyses", params=long, content=clip),
        client.post("/v1/analyses", params={"horizon": "nan", "timeline_fps": "1e999"}, content=clip),
        client.post("/v1/analyses", params={f"option{number}": "1" for number in range(1000)}, content=clip),
        client.post("/v1/analyses", content=clip, headers={"Content-Type": "multipart/form-data"}),
        client.post("/v1/analyses", content=clip, headers={"Content-Type": "multipart/form-data; boundary=x"}),
        client.post("/v1/analyses", content=clip, headers={"Content-Type": "text/html"}),
        client.post("/v1/analyses", content=bytes(2**20 + 1)),
        client.post("/v1/analyses", content=b""),
        client.get("/v1/analyses"),
        client.get("/v1/nothing"),
        client.get("/v1/model", headers={"Host": "evil.example"}),
        client.get("/v1/model", headers={"Origin": "https://evil.example"}),
    ):
        assert answer.is_client_error
        assert answer.headers["content-type"] == "application/problem+json"
        assert tells_nothing(answer.text), answer.text
        assert len(answer.text) < 4096


@pytest.mark.parametrize(
    "message",
    [
        *("{", "[]", "1", '"x"', "null", "{}", '{"type": null}', '{"type": "x"}', '{"type": "keepalive", "x": 1}'),
        *('{"type": "session.update", "interval": "x"}', '{"type": "session.update", "horizon": 1e999}'),
        *('{"type": "session.update", "faces": {"a": [1]}}', '{"type": "session.resume", "token": 1}'),
        '{"type": "session.update", "interval": -1, "late": "x", "max_delay": 0}',
        '{"type": "session.resume", "token": "x"}',
        '{"type": "session.update", "baseline": "x"}',
        '{"type": "%s"}' % ("x" * 100_000),
    ],
    ids=lambda text: text[:40],
)
def test_no_refusal_of_a_message_names_internals(service: Running, message: str) -> None:
    wait_until(lambda: service.metric("attune_sessions_active") == 0)
    with talk(service) as session:
        session.socket.send(message)
        assert session.hear_out() == 1008
    told = session.failure().model_dump_json()
    assert tells_nothing(told), told
    assert len(told) < 4096


def break_down(service: Running, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Have a defect at a method of the service's, or of one of its parts."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(DEFECT)

    async def fail_later(*_: Any, **__: Any) -> None:
        raise RuntimeError(DEFECT)

    *part, name = place.split(".")
    holder = getattr(service.service, part[0]) if part else service.service
    monkeypatch.setattr(holder, name, fail_later if name in ("open_session", "compute") else fail)


@pytest.mark.parametrize("place", ["pool.open_session", "compute", "gate.admit", "quotas.count_request"])
@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
def test_a_defect_in_an_analysis_is_told_as_such_and_no_more(
    service: Running, clip: bytes, monkeypatch: pytest.MonkeyPatch, place: str, accept: str
) -> None:
    break_down(service, monkeypatch, place)
    answer = service.client.post("/v1/analyses", content=clip, headers={"Accept": accept})
    assert answer.status_code == 500 or accept == "text/event-stream"
    assert '"code":"internal_error"' in answer.text
    assert tells_nothing(answer.text), answer.text


def test_a_defect_after_the_first_event_is_an_event_that_tells_no_more(
    service: Running, clip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service.upload(clip[:-20_000], accept="text/event-stream", kind="video/x-matroska") as connection:
        seen = b""
        while b"event: progress" not in seen:
            seen += connection.recv(65_536)
        break_down(service, monkeypatch, "compute")
        connection.sendall(chunk(clip[-20_000:]) + chunk(b""))
        seen = read_all(connection, seen)
    assert b"event: error" in seen
    assert b'"code":"internal_error"' in seen
    assert tells_nothing(seen.decode()), seen


@pytest.mark.parametrize("place", ["pool.open_session", "compute", "quotas.count_request", "quotas.session"])
def test_a_defect_in_a_session_is_told_as_such_and_no_more(
    service: Running, clip: bytes, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    wait_until(lambda: service.metric("attune_sessions_active") == 0)
    break_down(service, monkeypatch, place)
    with talk(service) as session:
        with suppress(ConnectionClosed):  # it may be over before all is said
            session.media(clip)
            session.say("session.close")
        assert session.hear_out() == 1011
    told = session.failure()
    assert told.code == "internal_error"
    assert tells_nothing(told.model_dump_json())


def test_a_defect_at_the_door_of_a_session_is_told_as_such_and_no_more(
    service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_down(service, monkeypatch, "gate.admit")
    head = (
        "GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: attune.v1\r\n\r\n"
    )
    with service.connect() as connection:
        connection.sendall(head.encode())
        answer = read_all(connection).decode()
    assert answer.startswith("HTTP/1.1 500 ")
    assert tells_nothing(answer), answer


def test_no_detail_is_made_of_the_text_of_another_error() -> None:
    for file in [file for name in ANSWERS_CALLERS for file in sorted((ROOT / "service" / name).rglob("*.py"))]:
        for handler in ast.walk(ast.parse(file.read_text())):
            if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                continue
            for call in ast.walk(handler):
                if not isinstance(call, ast.Call) or not hasattr(errors, ast.unparse(call.func).split(".")[-1]):
                    continue
                quoted = [ast.unparse(part.value) for part in ast.walk(call) if isinstance(part, ast.FormattedValue)]
                place = f"{file.relative_to(ROOT)}:{call.lineno}"
                assert handler.name not in quoted, place
                assert f"str({handler.name})" not in ast.unparse(call), place
