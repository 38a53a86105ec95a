"""Early refusals over real connections: the client sees the status, not a reset."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from api.harness import Running, chunk, read_all, read_until, run

from service.api.linger import MAX_BYTES


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """A service for one analysis at a time, of uploads of up to 1 MiB."""
    with run(workers=1, max_analyses=1, max_upload_bytes=2**20) as service:
        yield service


@pytest.mark.parametrize(
    ("path", "kind", "size", "status"),
    [
        ("/v1/analyses", "video/mp4", 4 * 2**20, 413),
        ("/v1/analyses", "text/plain", 4 * 2**20, 415),
        ("/v1/analyses?faces=none", "video/mp4", 4 * 2**20, 422),
        ("/v1/elsewhere", "video/mp4", 4 * 2**20, 405),
    ],
)
def test_a_client_that_sends_everything_before_it_reads_sees_the_status(
    small: Running, path: str, kind: str, size: int, status: int
) -> None:
    with small.connect() as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(size // 2**16):
            connection.sendall(bytes(2**16))
        answer = read_all(connection)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"connection: close" in answer.lower()
    assert b"application/problem+json" in answer


def test_a_chunked_upload_over_the_limit_sees_the_status(small: Running) -> None:
    with small.upload(b"no film") as connection:
        for _ in range(48):
            connection.sendall(chunk(bytes(2**16)))
        connection.sendall(chunk(b""))
        answer = read_all(connection)
    assert answer.split(b" ")[1] in {b"413", b"415", b"422"}


def test_the_answer_comes_before_the_rest_of_the_body(small: Running) -> None:
    with small.connect() as connection:
        head = f"POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2**30}\r\n\r\n"
        connection.sendall(head.encode() + bytes(1000))
        assert read_until(connection, b"\r\n").startswith(b"HTTP/1.1 413 ")


def test_reading_on_is_bounded(small: Running) -> None:
    with small.connect() as connection:
        head = f"POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2**40}\r\n\r\n"
        connection.sendall(head.encode())
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(bytes(16 * MAX_BYTES))


def test_a_client_that_waits_for_100_continue_is_refused_without_sending(small: Running) -> None:
    with small.connect() as connection:
        head = (
            "POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
            f"Expect: 100-continue\r\nContent-Length: {2**30}\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_curl_shows_the_status_of_a_refused_upload(small: Running, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(6 * 2**20))
    url = f"http://127.0.0.1:{small.port}/v1/analyses"
    for arguments in (["-H", "Expect:", "-F", f"file=@{film}"], ["-F", f"file=@{film}"], ["-T", str(film)]):
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "-X", "POST", *arguments, url]
        command += ["--output", "/dev/null", "--write-out", "%{http_code}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert done.stdout.endswith("413"), done.stderr


def test_a_connection_whose_body_was_read_stays_open(small: Running) -> None:
    with small.connect() as connection:
        for _ in range(2):
            connection.sendall(b"POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            answer = read_until(connection, b"}")
            assert answer.startswith(b"HTTP/1.1 422 ")
            assert b"connection: close" not in answer.lower()
