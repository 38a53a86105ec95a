"""Nothing that analyses a recording talks to anybody but the client."""

import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api.no_connect import CALLS

from service.assets import cache_folder

GUARDED = [sys.executable, str(Path(__file__).parent / "no_connect.py"), sys.executable, "-I"]
SERVE = "from service.api import serve; from service.settings import Settings; serve(Settings(port=0, workers=1))"
CONNECT = "import socket; socket.socket().connect(('127.0.0.1', 9))"
SEND = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))"

SILENCE = 10.0
"""Seconds to watch: libraries that send usage data have been seen to begin seven seconds after they were loaded."""

pytestmark = pytest.mark.skipif(platform.machine() not in CALLS, reason="the filter does not know this machine")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder: what collects usage data keeps it there until it is sent."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def guarded_port(home: Path) -> Iterator[int]:
    """Port of a service that dies, or whose decoding process dies, as soon as it opens a connection."""
    environment = {"HOME": str(home), "ATTUNE_CACHE": str(cache_folder()), "PATH": os.environ["PATH"]}
    command = [*GUARDED, "-c", SERVE]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = ""
        for line in process.stderr:
            log += line
            if running := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
                yield int(running[1])
                break
        else:
            pytest.fail(f"ended with {process.wait()} after {log}")
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(180) in {0, -signal.SIGTERM}, log + rest


def test_an_analysis_succeeds_where_opening_a_connection_is_deadly_and_leaves_no_usage_data(
    guarded_port: int, home: Path, clip: bytes
) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{guarded_port}", timeout=180, trust_env=False) as client:
        assert client.post("/v1/analyses", content=clip).status_code == 200
        time.sleep(SILENCE)
        assert client.post("/v1/analyses", content=clip).status_code == 200
        assert "attune_worker_restarts_total 0.0" in client.get("/metrics").text
    # mediapipe loads matplotlib, which keeps a list of fonts there.
    kept = [file for file in home.rglob("*") if file.is_file() and "matplotlib" not in file.parts]
    assert not kept


@pytest.mark.parametrize("code", [CONNECT, SEND])
def test_opening_a_connection_is_deadly_there(code: str) -> None:
    done = subprocess.run([*GUARDED, "-c", code], timeout=180, check=False)
    assert done.returncode == -signal.SIGSYS
