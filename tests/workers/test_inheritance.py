"""What a decoding process of a real service gets from it: nothing secret, and nothing that is open."""

import os
import sys
from pathlib import Path

import pytest
from api.harness import ENTRIES, wait_until
from live.replicas import Replica
from workers.processes import open_files

SECRET = "the key that nobody but the service knows"  # noqa: S105


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/PID is Linux's")
def test_no_key_and_no_socket_of_the_service_reaches_a_decoding_process(tmp_path: Path) -> None:
    log = tmp_path / "log"
    replica = Replica(log, environment={"DATABASE_PASSWORD": SECRET}, checkpoint_key=SECRET, api_keys=ENTRIES)
    replica.start()
    try:
        replica.wait_until_ready()
        wait_until(lambda: bool(children(replica.pid)))
        [worker] = children(replica.pid)
        environ = Path(f"/proc/{worker}/environ").read_bytes()
        command = Path(f"/proc/{worker}/cmdline").read_bytes()
        for secret in (SECRET, ENTRIES, "ATTUNE_API_KEYS", "ATTUNE_CHECKPOINT_KEY"):
            assert secret.encode() not in environ + command
        opened = open_files(worker)
        sockets = [target for target in opened if target.startswith("socket:")]
        assert len(sockets) == 1, "the one on which it gets sessions"
        assert set(sockets).isdisjoint(open_files(replica.pid)), "its own end of it"
        assert set(opened) - set(sockets) <= {os.devnull, str(log), "/memfd:attune black box (deleted)"}
    finally:
        replica.stop()
