"""Replicas as processes of their own, to which something is done."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.harness import PATIENCE
from live.replicas import Replica


@contextmanager
def damaged(log: Path | None = None, **arguments: Any) -> Iterator[tuple[Replica, httpx.Client]]:
    """A replica that is ready, and a client of it; `arguments` are those of `Replica`."""
    replica = Replica(log, **arguments)
    replica.start()
    try:
        replica.wait_until_ready()
        with httpx.Client(base_url=f"http://127.0.0.1:{replica.port}", timeout=PATIENCE, trust_env=False) as client:
            yield replica, client
    finally:
        replica.kill()


def analyse(client: httpx.Client, media: bytes) -> httpx.Response:
    """POST raw media."""
    return client.post("/v1/analyses", content=media, headers={"Content-Type": "application/octet-stream"})


def metric(client: httpx.Client, name: str) -> float:
    """The value of one line of /metrics, 0 where it is absent."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return 0.0


def mounting(program: Callable[..., str], folder: Path, options: str) -> Sequence[str]:
    """A command within which `folder` is a memory file system of its own, mounted with `options`; it is gone with the
    process. Skips where the user may not mount one."""
    unshare = program("unshare")
    alone = [unshare, "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    script = f'mount -t tmpfs -o "{options}" none "$0" && exec "$@"'
    command = [*alone, "sh", "-c", script, str(folder)]
    if subprocess.run([*command, "true"], capture_output=True, check=False, timeout=PATIENCE).returncode != 0:
        pytest.skip("this user may mount nothing")
    return command
