"""Start and stop."""

import subprocess
import sys
from pathlib import Path

import pytest
from api.harness import chunk, read_all, run, wait_until

SERVE = "from service.api import serve; from service.settings import Settings; serve(Settings(port=0, workers=1))"


def test_an_analysis_that_runs_when_the_service_is_stopped_gets_to_its_end(clip: bytes) -> None:
    with run(workers=1, max_analyses=1) as service, service.upload(clip[:-1000]) as connection:
        wait_until(lambda: service.metric("attune_active_analyses") == 1)
        service.server.should_exit = True
        wait_until(lambda: not service.server.servers[0].is_serving())
        connection.sendall(chunk(clip[-1000:]) + chunk(b""))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_an_analysis_that_outlasts_the_grace_is_ended(clip: bytes) -> None:
    with run(workers=1, max_analyses=1, shutdown_grace=0.1) as service, service.upload(clip[:-1000]) as connection:
        wait_until(lambda: service.metric("attune_active_analyses") == 1)
        pids = service.service.pool.pids
        service.server.should_exit = True
        answer = read_all(connection)
    assert not answer.startswith(b"HTTP/1.1 200 ")
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


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
