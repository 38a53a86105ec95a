"""HTTP/1.1 as it may not be spoken: all is answered or closed, nothing held, nothing logged, nothing confused."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

import pytest
from api.harness import PATIENCE, Running, chunk, read_all, wait_until, warnings
from media.clips import Clip, write_clip
from wire import answers, made_up
from wire.bad_http import HANDSHAKES, HEADERS, HOST, MANY, NO_HTTP, SIZES, TARGETS, Request, opening, request, upload

from service.api import http as product

REQUESTS = NO_HTTP | TARGETS | HEADERS | SIZES | HANDSHAKES
MODEL = request()


@contextmanager
def saying(running: Running, data: bytes) -> Iterator[socket.socket]:
    """A connection on which something was said, or as much of it as the service took."""
    with running.connect() as connection:
        with suppress(ConnectionError):  # the service had enough; what it answered is still there
            connection.sendall(data)
        yield connection


def answer_on(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers with names in small letters, and body of the next answer; not a byte more is read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"closed after {head!r}"
        head += byte
    line, *lines = head.decode().rstrip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = connection.recv(int(headers.get("content-length", "0")), socket.MSG_WAITALL)
    return int(line.split()[1]), headers, body


def test_no_request_is_there_twice() -> None:
    assert len(REQUESTS) == sum(map(len, (NO_HTTP, TARGETS, HEADERS, SIZES, HANDSHAKES)))


@pytest.mark.parametrize("name", REQUESTS)
def test_what_is_hardly_a_request_is_answered_with_a_status_that_says_so(
    running: Running, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent: Request = REQUESTS[name]
    with saying(running, sent.data) as connection:
        status, headers, body = answer_on(connection)
        assert status in sent.statuses
        if status >= 400:
            assert headers["content-type"] == "application/problem+json"
            told = json.loads(body)
            assert told["status"] == status
            assert set(told) == {"type", "title", "status", "detail", "code"}
        if status in (400, 431):
            assert read_all(connection) == b"", "a second answer"
    assert running.client.get("/v1/model").status_code == 200
    assert warnings(caplog) == []


@pytest.mark.parametrize("seed", range(4))
def test_made_up_requests_are_answered_or_closed_and_leave_nothing_behind(
    running: Running, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(seed)  # noqa: S311
    requests = [made_up.request(random) for _ in range(150)]
    assert answers.faults(requests, lambda data: answers.http_fault(answers.say(running.port, data, 0.2))) == []
    wait_until(lambda: not running.server.server_state.tasks)
    running.wait_for_idle()
    wait_until(lambda: running.service.sessions.active == 0)
    assert warnings(caplog) == []


# What is held


def test_a_head_that_never_ends_is_refused_when_it_is_too_large(running: Running) -> None:
    sent = 0
    with saying(running, b"GET /v1/model HTTP/1.1\r\n" + HOST + b"X-One: ") as connection:
        with suppress(ConnectionError):
            while sent < 64 * MANY:
                sent += connection.send(b"a" * 4096)
        assert sent < 64 * MANY, "and that is more than the kernel holds"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads must come within half a second."""
    monkeypatch.setattr(product, "HEAD_SECONDS", 0.5)


@pytest.mark.usefixtures("impatient")
def test_whoever_says_nothing_is_let_go(running: Running) -> None:
    with running.connect() as connection:
        assert read_all(connection) == b""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("before", [b"", MODEL])
def test_a_head_that_does_not_come_is_told_of(running: Running, before: bytes) -> None:
    with saying(running, before) as connection:
        if before:
            assert answer_on(connection)[0] == 200
        connection.sendall(b"GET /v1/model HTTP/1.1\r\nHost: ")
        status, _, body = answer_on(connection)
        assert (status, json.loads(body)["code"]) == (408, "head_timeout")
        assert read_all(connection) == b""


@pytest.mark.usefixtures("impatient")
def test_a_head_that_comes_drop_by_drop_takes_no_longer(running: Running) -> None:
    with saying(running, b"GET /v1/model HTTP/1.1\r\n" + HOST) as connection:
        connection.settimeout(0.05)
        seen = b""
        for _ in range(round(PATIENCE / 0.05)):
            try:
                seen += connection.recv(65_536)
                break
            except TimeoutError:
                connection.sendall(b"X-One: a\r\n")
        assert answers.statuses(seen) == [408]


@pytest.mark.usefixtures("impatient")
def test_an_empty_line_after_an_answer_holds_no_connection(running: Running) -> None:
    with saying(running, MODEL) as connection:
        assert answer_on(connection)[0] == 200
        connection.sendall(b"\r\n")
        assert answers.statuses(read_all(connection)) in ([], [408])


@pytest.mark.usefixtures("impatient")
def test_what_takes_long_after_its_head_has_come_is_none_of_it(running: Running) -> None:
    clip = write_clip(Clip("matroska", video="mpeg4", seconds=1))
    with saying(running, upload(b"Transfer-Encoding: chunked\r\n", chunk(clip[:1000]))) as connection:
        connection.settimeout(1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(PATIENCE)
        connection.sendall(chunk(clip[1000:]) + chunk(b""))
        assert answer_on(connection)[0] == 200


# What might be confused


def test_trailers_are_no_headers(running: Running) -> None:
    body = chunk(b"no media") + b"0\r\nX-Request-ID: trailer\r\nAuthorization: Bearer x\r\n\r\n"
    with saying(running, upload(b"Transfer-Encoding: chunked\r\n", body)) as connection:
        status, headers, _ = answer_on(connection)
        assert status == 415
        assert headers["x-request-id"] != "trailer"


def test_requests_in_line_are_answered_in_line(running: Running) -> None:
    paths = ("/v1/model", "/health/live", "/v1/nothing", "/health/ready")
    with saying(running, b"".join(request(b"GET %s HTTP/1.1" % path.encode()) for path in paths)) as connection:
        assert [answer_on(connection)[0] for _ in paths] == [200, 200, 404, 200]


@pytest.mark.parametrize("garbage", [b"nonsense\r\n\r\n", request(headers=HOST * 2), b"\x16\x03\x01" + bytes(200)])
def test_a_request_before_nonsense_gets_its_own_answer_and_no_other(running: Running, garbage: bytes) -> None:
    with saying(running, MODEL + garbage) as connection:
        status, _, body = answer_on(connection)
        assert (status, "version" in json.loads(body)) == (200, True)
        assert answers.statuses(read_all(connection)) in ([], [400])


@pytest.mark.parametrize("handshake", [opening(), opening(line=b"GET /v1/stream HTTP/1.0")])
def test_a_handshake_that_does_not_wait_for_the_answer_before_it_is_not_taken(
    running: Running, handshake: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with saying(running, MODEL + handshake) as connection:
        status, headers, body = answer_on(connection)
        assert (status, "version" in json.loads(body)) == (200, True)
        assert headers["connection"] == "close"
        assert read_all(connection) == b"", "frames, or an answer to the handshake"
    assert warnings(caplog) == []


def test_nonsense_within_a_body_ends_the_answer_that_has_begun(running: Running) -> None:
    clip = write_clip(Clip("matroska", video="mpeg4", seconds=4))
    with running.upload(clip, accept="text/event-stream", kind="video/x-matroska") as connection:
        seen = b""
        while b"event: progress" not in seen:
            seen += connection.recv(65_536)
        connection.sendall(b"nonsense\r\n")
        assert answers.statuses(read_all(connection, seen)) == [200]
    running.wait_for_idle()


def test_a_client_that_asked_ahead_and_left_ends_what_it_asked_for_first(running: Running) -> None:
    cancelled = 'attune_analyses_total{outcome="cancelled"}'
    before = running.metric(cancelled)
    clip = write_clip(Clip("matroska", video="mpeg4", seconds=10, size=(640, 480)))
    whole = upload(b"Content-Length: %d\r\n" % len(clip), clip)
    with saying(running, whole + MODEL):
        wait_until(lambda: running.metric("attune_active_analyses") == 1)
    wait_until(lambda: running.metric(cancelled) == before + 1)


def test_a_client_is_asked_to_continue_once_and_only_if_its_body_is_wanted(running: Running) -> None:
    with saying(running, upload(b"Content-Length: 8\r\nExpect: 100-continue\r\n")) as connection:
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += connection.recv(65_536)
        assert seen == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"no media")
        assert answer_on(connection)[0] == 415
    unwanted = b"Content-Length: 8\r\nExpect: 100-continue\r\nContent-Encoding: gzip\r\n"
    with saying(running, upload(unwanted)) as connection:
        assert answers.statuses(read_all(connection)) == [415]
