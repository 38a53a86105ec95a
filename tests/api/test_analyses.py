"""Recordings over HTTP: the same numbers however they are sent, and a code for each that cannot be analysed."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from api.harness import Running, chunk, read_until, wait_until
from media.clips import Clip, write_clip
from workers.processes import open_sockets

from service.api.multipart import OVERHEAD
from service.timeline import AnalysisResult


def code_of(response: httpx.Response) -> str:
    """The code of a problem, whose form is checked on the way."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body.keys() == {"type", "title", "status", "detail", "code"}
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:attune:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return str(body["code"])


def result_of(response: httpx.Response) -> AnalysisResult:
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return AnalysisResult.model_validate_json(response.content)


def numbers(result: AnalysisResult) -> np.ndarray[Any, Any]:
    """Every probability of a result."""
    return np.array([list(step.probabilities.values()) for person in result.people for step in person.timeline])


def test_raw_multipart_and_chunked_uploads_give_the_same_probabilities(running: Running, clip: bytes) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(clip), 7001):
            yield clip[start : start + 7001]

    raw = result_of(running.analyse(clip))
    form = result_of(running.client.post("/v1/analyses", files={"file": ("../../x.mkv", clip, "video/x-matroska")}))
    chunked = result_of(
        running.client.post("/v1/analyses", content=pieces(), headers={"Content-Type": "video/x-matroska"})
    )
    assert len(raw.people) == 1
    assert len(raw.people[0].timeline) > 25
    for other in (form, chunked):
        np.testing.assert_allclose(numbers(other), numbers(raw), atol=1e-5)
        assert other.media == raw.media


def test_a_body_without_content_type_is_taken_for_media(running: Running, clip: bytes) -> None:
    assert "content-type" not in running.client.build_request("POST", "/v1/analyses", content=clip).headers
    result_of(running.client.post("/v1/analyses", content=clip))


def test_options_reach_the_analysis(running: Running, clip: bytes) -> None:
    every = result_of(running.analyse(clip))
    some = result_of(running.analyse(clip, timeline_fps=5, faces="largest", horizon=0.5))
    assert len(some.people[0].timeline) < len(every.people[0].timeline) / 4
    assert numbers(some).shape[0] > 0


@pytest.mark.parametrize(
    "options",
    [
        {"faces": "none"},
        {"timeline_fps": 0},
        {"timeline_fps": 26},
        {"timeline_fps": "nan"},
        {"horizon": 0},
        {"horizon": "inf"},
        {"horizon": "soon"},
        {"horizn": 1},
    ],
)
def test_a_bad_option_is_named_and_refused(running: Running, clip: bytes, options: dict[str, Any]) -> None:
    response = running.analyse(clip, **options)
    assert response.status_code == 422
    assert code_of(response) == "invalid_request"
    assert next(iter(options)) in response.json()["detail"]


def test_media_with_its_index_at_the_end_is_analysed_and_leaves_nothing_behind(
    strict: Running, late_index: bytes, spool: Path
) -> None:
    assert result_of(strict.analyse(late_index)).media.frames == 50
    assert not list(spool.iterdir())


BAD = {
    "text named mp4": (b"This is not a film.\n" * 50, 415, "unsupported_media"),
    "empty": (b"", 422, "empty_body"),
    "too large": (bytes(4 * 2**20 + OVERHEAD), 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("form", [False, True])
def test_a_bad_body_has_its_code_and_the_next_request_works(
    strict: Running, clip: bytes, name: str, form: bool
) -> None:
    body, status, code = BAD[name]
    if form:
        response = strict.client.post("/v1/analyses", files={"file": ("film.mp4", body, "video/mp4")})
    else:
        response = strict.analyse(body)
    assert (response.status_code, code_of(response)) == (status, code)
    result_of(strict.analyse(clip))


def test_a_truncated_film_has_its_code(strict: Running, late_index: bytes, clip: bytes, spool: Path) -> None:
    response = strict.analyse(late_index[:-200])
    assert response.status_code == 422
    assert code_of(response) in {"media_truncated", "media_unreadable"}
    assert not list(spool.iterdir())
    result_of(strict.analyse(clip))


def test_a_film_that_announces_more_than_its_upload_has_its_code_before_the_upload_ends(strict: Running) -> None:
    film = write_clip(Clip(seconds=4, audio="pcm_s16le", container="mov", muxer={"movflags": "faststart"}))
    head = "POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/quicktime\r\n"
    with strict.connect() as connection:
        connection.sendall(f"{head}Content-Length: {len(film) - 1}\r\n\r\n".encode() + film[: len(film) // 2])
        answer = read_until(connection, b'"code":"media_truncated"')
    assert answer.startswith(b"HTTP/1.1 422 ")
    strict.wait_for_idle()


@pytest.mark.parametrize(
    ("film", "status", "code"),
    [
        (Clip(size=(1280, 720), muxer={"movflags": "faststart"}), 413, "picture_too_large"),
        (Clip("matroska", seconds=6, video="mpeg4", audio=None), 413, "media_too_long"),
        (Clip("matroska", video="mpeg4", video_times=[k / 240 for k in range(480)]), 422, "frame_rate_too_high"),
    ],
)
def test_each_limit_on_media_has_its_code(strict: Running, clip: bytes, film: Clip, status: int, code: str) -> None:
    response = strict.analyse(write_clip(film))
    assert (response.status_code, code_of(response)) == (status, code)
    result_of(strict.analyse(clip))


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "image/png"},
        {"Content-Type": "video/mp4", "Content-Encoding": "gzip"},
    ],
)
def test_other_kinds_of_body_are_unsupported(running: Running, headers: dict[str, str]) -> None:
    response = running.client.post("/v1/analyses", content=b"x" * 1000, headers=headers)
    assert response.status_code == 415
    assert code_of(response) == "unsupported_media"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=other\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nx"),
    ],
)
def test_a_bad_form_is_an_invalid_request(running: Running, content_type: str, body: bytes) -> None:
    response = running.client.post("/v1/analyses", content=body, headers={"Content-Type": content_type})
    assert response.status_code == 422
    assert code_of(response) == "invalid_request"


def test_one_analysis_too_many_is_refused_at_once_and_told_when_to_return(strict: Running, clip: bytes) -> None:
    with strict.upload(clip[:-1000]) as connection:
        wait_until(lambda: strict.metric("attune_active_analyses") == 1)
        response = strict.analyse(clip)
        assert response.status_code == 429
        assert code_of(response) == "busy"
        assert int(response.headers["retry-after"]) >= 1
        connection.sendall(chunk(clip[-1000:]) + chunk(b""))
        assert read_until(connection, b"\r\n").startswith(b"HTTP/1.1 200 ")
    strict.wait_for_idle()
    result_of(strict.analyse(clip))


def test_an_upload_that_stalls_is_given_up(strict: Running, clip: bytes) -> None:
    with strict.upload(clip[:20_000]) as connection:
        answer = read_until(connection, b'"code":"body_timeout"')
    assert answer.startswith(b"HTTP/1.1 408 ")
    strict.wait_for_idle()


def test_a_client_that_leaves_frees_its_place_and_leaves_nothing_behind(
    strict: Running, clip: bytes, late_index: bytes, spool: Path
) -> None:
    result_of(strict.analyse(clip))
    [worker] = strict.service.pool.pids
    for film in (clip, late_index):
        cancelled = strict.metric('attune_analyses_total{outcome="cancelled"}')
        with strict.upload(film[: len(film) // 2]):
            wait_until(lambda: strict.metric("attune_active_analyses") == 1)
        strict.wait_for_idle()
        assert strict.metric('attune_analyses_total{outcome="cancelled"}') == cancelled + 1
    wait_until(lambda: len(open_sockets(worker)) == 1)  # the one it takes sessions from
    assert not list(spool.iterdir())
    result_of(strict.analyse(clip))


@pytest.mark.parametrize("media", ["clip", "late_index"])
def test_an_upload_whose_worker_is_killed_gives_the_same_result(
    running: Running, media: str, request: pytest.FixtureRequest
) -> None:
    film = request.getfixturevalue(media)
    wanted = result_of(running.analyse(film))
    restarts = running.metric("attune_worker_restarts_total")
    recovered = running.metric('attune_sessions_recovered_total{kind="analysis"}')
    half = len(film) // 2
    with running.upload(film[:half]) as connection:
        wait_until(lambda: running.metric("attune_active_analyses") == 1)
        [worker] = running.service.pool.pids
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: running.metric('attune_sessions_recovered_total{kind="analysis"}') == recovered + 1)
        connection.sendall(chunk(film[half:]) + chunk(b""))
        answer = read_until(connection, b'"people"')
        length = int(re.search(rb"content-length: (\d+)", answer)[1])  # type: ignore[index]
        while len(body := answer.partition(b"\r\n\r\n")[2]) < length:
            answer += connection.recv(65_536)
    found = AnalysisResult.model_validate_json(body)
    assert numbers(found) == pytest.approx(numbers(wanted), abs=1e-5)
    assert found.media == wanted.media
    assert running.metric("attune_worker_restarts_total") == restarts + 1
    assert running.service.pool.pids != [worker]


def test_two_analyses_at_once_give_what_each_gives_alone(running: Running, clip: bytes, late_index: bytes) -> None:
    alone = [numbers(result_of(running.analyse(film))) for film in (clip, late_index)]
    with running.upload(clip[:-1000], accept="application/json") as connection:
        beside = numbers(result_of(running.analyse(late_index)))
        connection.sendall(chunk(clip[-1000:]) + chunk(b""))
        head, _, rest = read_until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += connection.recv(65_536)
        first = numbers(AnalysisResult.model_validate_json(rest))
    np.testing.assert_allclose(first, alone[0], atol=1e-5)
    np.testing.assert_allclose(beside, alone[1], atol=1e-5)
