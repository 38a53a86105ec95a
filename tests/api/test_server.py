"""Start and stop: what callers meet while the service leaves, and how its process ends."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.harness import PATIENCE, Running, chunk, read_all, read_until, run, wait_until
from live.replicas import Replica, lasting_port

SERVE = "from service.api import serve; from service.settings import Settings; serve(Settings(port=0, workers=1))"
ASK = b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n"


def stop_listening(service: Running) -> None:
    """Tell the service to stop, and wait until nobody can connect."""
    service.server.should_exit = True
    wait_until(service.service.drain.closed.is_set)


def test_it_works_as_ever_until_the_delay_is_over_but_is_not_ready(clip: bytes) -> None:
    with run(workers=1, drain_delay=4) as service:
        kept = service.client.get("/v1/model")
        assert "connection" not in kept.headers
        service.server.should_exit = True
        wait_until(lambda: service.client.get("/health/ready").status_code == 503)
        answer = service.client.get("/health/ready")
        assert answer.json()["code"] == "draining"
        assert int(answer.headers["retry-after"]) >= 1
        analysed = service.analyse(clip)
        assert analysed.status_code == 200
        assert analysed.headers["connection"] == "close"  # so that nobody sends one more request on it later
        wait_until(service.service.drain.closed.is_set)
        with pytest.raises(httpx.ConnectError):
            service.client.get("/health/live")


def test_an_analysis_that_runs_when_the_service_is_stopped_gets_to_its_end(clip: bytes) -> None:
    with run(workers=1, max_analyses=1) as service, service.upload(clip[:-1000]) as connection:
        wait_until(lambda: service.metric("attune_active_analyses") == 1)
        stop_listening(service)
        connection.sendall(chunk(clip[-1000:]) + chunk(b""))
        answer = read_all(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer.lower()


def test_an_analysis_that_outlasts_the_grace_is_ended_and_its_client_told(clip: bytes) -> None:
    with run(workers=1, max_analyses=1, shutdown_grace=0.1) as service, service.upload(clip[:-1000]) as connection:
        wait_until(lambda: service.metric("attune_active_analyses") == 1)
        pids = service.service.pool.pids
        service.server.should_exit = True
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"draining"' in answer
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_whoever_connected_in_time_is_answered_and_then_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("server", "drain"):
        monkeypatch.setattr(f"service.api.{place}.FIRST_REQUEST_SECONDS", 4.0)
    with run(workers=1) as service, service.connect() as late, service.connect() as idle, service.connect() as silent:
        idle.sendall(ASK)
        assert b"connection: close" not in read_until(idle, b"\r\n\r\n").lower()
        stop_listening(service)
        late.sendall(ASK)
        answer = read_all(late)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer.lower()
        assert b"HTTP/1.1" not in read_all(idle)
        assert read_all(silent) == b""


# Processes


@contextmanager
def process(**settings: Any) -> Iterator[tuple[Replica, httpx.Client]]:
    """The service as a process of its own, and a client of its admin port."""
    port = lasting_port()
    replica = Replica(admin_port=port, **settings)
    replica.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE) as admin:
            replica.wait_until_ready()
            yield replica, admin
    finally:
        replica.kill()


@contextmanager
def upload(replica: Replica, admin: httpx.Client, beginning: bytes) -> Iterator[socket.socket]:
    """An upload that has begun."""
    with socket.create_connection(("127.0.0.1", replica.port), timeout=PATIENCE) as connection:
        head = (
            "POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/x-matroska\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode() + chunk(beginning))
        wait_until(lambda: "attune_active_analyses 1.0" in admin.get("/metrics").text)
        yield connection


def has_left_port(replica: Replica) -> bool:
    """Whether nobody can connect any more."""
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", replica.port)) != 0


def test_curl_meets_a_draining_service_as_the_document_says(
    clip: bytes, tmp_path: Path, program: Callable[..., str]
) -> None:
    film, curl = tmp_path / "film.mkv", program("curl")
    film.write_bytes(clip)
    with process(drain_delay=4) as (replica, admin):

        def ask(path: str, *options: str) -> tuple[int, str]:
            command = [curl, "--silent", "--include", "--noproxy", "*", *options]
            command.append(f"http://127.0.0.1:{replica.port}{path}")
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
            return done.returncode, done.stdout

        slow: list[tuple[int, str]] = []
        codes: list[int | None] = []
        rate = str(len(clip) // 9)  # bytes a second: it outlasts the delay
        options = ("-H", "Content-Type: video/x-matroska", "-H", "Expect:", "--limit-rate", rate, "-T", str(film))
        uploading = threading.Thread(target=lambda: slow.append(ask("/v1/analyses", "-X", "POST", *options)))
        uploading.start()
        wait_until(lambda: "attune_active_analyses 1.0" in admin.get("/metrics").text)
        ending = threading.Thread(target=lambda: codes.append(replica.stop(signal.SIGTERM)))
        ending.start()
        wait_until(lambda: admin.get("/health/ready").status_code == 503)
        code, said = ask("/health/ready")
        assert (code, said.split()[1]) == (0, "503")
        assert '"code":"draining"' in said
        assert "retry-after:" in said.lower()
        code, said = ask("/v1/model")
        assert (code, said.split()[1]) == (0, "200")
        assert "connection: close" in said.lower()
        wait_until(lambda: has_left_port(replica))
        assert ask("/v1/model") == (7, "")
        assert not slow, "the upload was to outlast the delay"
        assert admin.get("/health/live").status_code == 200
        uploading.join(PATIENCE)
        ending.join(PATIENCE)
    [(code, said)] = slow
    assert (code, said.split()[1]) == (0, "200"), said
    assert codes == [0]


def test_a_signal_after_a_request_to_drain_hurries_nothing_and_the_process_ends_well(clip: bytes) -> None:
    with process() as (replica, admin), upload(replica, admin, clip[:-1000]) as connection:
        assert admin.post("/internal/drain").json()["analyses"] == 1
        ending: list[int | None] = []
        stopping = threading.Thread(target=lambda: ending.append(replica.stop(signal.SIGTERM)))
        stopping.start()
        wait_until(lambda: admin.post("/internal/drain").json()["phase"] == "closed")
        connection.sendall(chunk(clip[-1000:]) + chunk(b""))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
        stopping.join(PATIENCE)
        assert ending == [0]


def test_a_second_signal_ends_what_runs_and_the_process_ends_well(clip: bytes) -> None:
    with (
        process(drain_delay=600, shutdown_grace=600) as (replica, admin),
        upload(replica, admin, clip[:-1000]) as connection,
    ):
        replica.send(signal.SIGINT)
        wait_until(lambda: admin.get("/health/ready").status_code == 503)
        assert replica.stop(signal.SIGINT) == 0
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"draining"' in answer


@pytest.mark.parametrize(
    ("variable", "code"), [("ATTUNE_WEIGHTS_DIR", "model_mismatch"), ("ATTUNE_CACHE", "asset_missing")]
)
def test_a_service_that_cannot_start_says_why_and_fails(tmp_path: Path, variable: str, code: str) -> None:
    command = [sys.executable, "-I", "-c", SERVE]
    done = subprocess.run(
        command, env={variable: str(tmp_path)}, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 3
    assert f"({code})" in done.stderr
