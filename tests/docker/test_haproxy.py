"""haproxy.cfg: taken by HAProxy with as many replicas as its environment names."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = Path(__file__).parent.parent.parent / "docker" / "haproxy" / "haproxy.cfg"


@pytest.mark.parametrize("replicas", [2, 3])
def test_two_replicas_are_enough(program: Callable[..., str], replicas: int) -> None:
    named = {f"ATTUNE_REPLICA_{number}": f"127.0.0.1:{8000 + number}" for number in range(1, replicas + 1)}
    environment = {"PATH": os.environ["PATH"], "ATTUNE_BIND": "127.0.0.1:8080", **named}
    command = [program("haproxy"), "-c", "-f", str(CONFIG)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
