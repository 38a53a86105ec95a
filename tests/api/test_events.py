"""Progress while an upload is on its way, then the result or an error."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from api.harness import Running, chunk, read_all, read_until, run

from service.api.analyses import wants_events
from service.timeline import AnalysisResult

EVENTS = {"Accept": "text/event-stream", "Content-Type": "video/x-matroska"}


def events_of(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Names and data of the events in a stream; comments left out."""
    events = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            name, data = lines
            assert name.startswith("event: ")
            assert data.startswith("data: ")
            events.append((name[7:], json.loads(data[6:])))
    return events


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body."""
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        content, body = content + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return content


def assert_same(result: AnalysisResult, alone: AnalysisResult) -> None:
    """Same media and, within what batches may change, the same probabilities of the one person."""
    assert result.media == alone.media
    [person], [lone] = result.people, alone.people
    for one, other in zip(person.timeline, lone.timeline, strict=True):
        np.testing.assert_allclose(list(one.probabilities.values()), list(other.probabilities.values()), atol=1e-5)


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """A service for one analysis at a time."""
    with run(workers=1, max_analyses=1) as service:
        yield service


def test_progress_goes_forward_and_the_result_comes_last(running: Running, clip: bytes) -> None:
    response = running.client.post("/v1/analyses", content=clip, headers=EVENTS)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    *progress, (last, result) = events_of(response.content)
    assert last == "result"
    assert progress
    assert {name for name, _ in progress} == {"progress"}
    assert all(data.keys() == {"seconds", "people"} for _, data in progress)
    assert all(one["seconds"] <= other["seconds"] for (_, one), (_, other) in pairwise(progress))
    assert_same(AnalysisResult.model_validate(result), AnalysisResult.model_validate(running.analyse(clip).json()))


def test_decoding_starts_and_is_told_of_before_the_last_byte_is_sent(small: Running, clip: bytes) -> None:
    alone = AnalysisResult.model_validate(small.analyse(clip).json())
    half = len(clip) // 2
    with small.upload(clip[:half], accept="text/event-stream") as connection:
        seen = read_until(connection, b"event: progress")  # half of the film is still here
        assert seen.startswith(b"HTTP/1.1 200 ")
        connection.sendall(chunk(clip[half:]) + chunk(b""))
        head, _, body = read_all(connection, seen).partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    name, data = events_of(unchunked(body))[-1]
    assert name == "result"
    assert_same(AnalysisResult.model_validate(data), alone)


def test_a_failure_after_the_first_progress_is_an_event_with_the_same_problem(small: Running, clip: bytes) -> None:
    form = b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\n"
    kind = "multipart/form-data; boundary=b"
    with small.upload(form + clip[: len(clip) // 2], accept="text/event-stream", kind=kind) as connection:
        seen = read_until(connection, b"event: progress")
        connection.sendall(chunk(b""))  # the form ends without its closing boundary
        body = read_all(connection, seen).partition(b"\r\n\r\n")[2]
    name, problem = events_of(unchunked(body))[-1]
    assert (name, problem["code"], problem["status"]) == ("error", "invalid_request", 422)
    small.wait_for_idle()


def test_a_failure_before_anything_was_told_has_its_own_status(running: Running) -> None:
    response = running.client.post("/v1/analyses", content=b"no film " * 1000, headers=EVENTS)
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media"


def test_a_client_that_leaves_the_stream_frees_its_place(small: Running, clip: bytes) -> None:
    with small.upload(clip[: len(clip) // 2], accept="text/event-stream") as connection:
        read_until(connection, b"event: progress")
    small.wait_for_idle()
    assert small.analyse(clip).status_code == 200


@pytest.mark.parametrize(
    ("accept", "events"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("text/html,application/xhtml+xml", False),
        ("text/event-stream", True),
        ("TEXT/Event-Stream; q=0.8", True),
        ("application/json;q=0.5, text/event-stream", True),
        ("application/json, text/event-stream;q=0.5", False),
        ("text/event-stream;q=0", False),
        ("text/event-stream;q=x", False),
        (";,;q=,", False),
    ],
)
def test_events_come_only_to_those_who_ask(accept: str, events: bool) -> None:
    assert wants_events(accept) is events
