"""Nothing that analyses a recording talks to anybody but the client."""

import platform
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api.no_connect import CALLS

GUARDED = [sys.executable, str(Path(__file__).parent / "no_connect.py"), sys.executable, "-I"]
SERVE = "from service.api import serve; from service.settings import Settings; serve(Settings(port=0, workers=1))"
CONNECT = "import socket; socket.socket().connect(('127.0.0.1', 9))"
SEND = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', 9))"

pytestmark = pytest.mark.skipif(platform.machine() not in CALLS, reason="the filter does not know this machine")


@pytest.fixture
def guarded_port() -> Iterator[int]:
    """Port of a service that dies, or whose decoding process dies, as soon as it opens a connection."""
    with subprocess.Popen([*GUARDED, "-c", SERVE], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = ""
        for line in process.stderr:
            log += line
            if running := re.search(r"running on http://127\.0\.0\.1:(\d+)", line):
                yield int(running[1])
                break
        else:
            pytest.fail(log)
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(60) in {0, -signal.SIGTERM}, log + rest


def test_an_analysis_succeeds_where_opening_a_connection_is_deadly(guarded_port: int, clip: bytes) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{guarded_port}", timeout=60, trust_env=False) as client:
        assert client.post("/v1/analyses", content=clip).status_code == 200
        assert "attune_worker_restarts_total 0.0" in client.get("/metrics").text


@pytest.mark.parametrize("code", [CONNECT, SEND])
def test_opening_a_connection_is_deadly_there(code: str) -> None:
    done = subprocess.run([*GUARDED, "-c", code], timeout=60, check=False)
    assert done.returncode == -signal.SIGSYS
