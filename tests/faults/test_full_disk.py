"""A folder for temporary files that is full, and one for keys that cannot be written to."""

import os
from collections.abc import Callable
from math import ceil
from pathlib import Path

from api.harness import wait_until
from api.talking import talk
from faults.damaged import analyse, damaged, metric, mounting

from service.protocol.messages import Checkpoint, SessionResumed
from service.workers.kept import MEMORY_BYTES


def test_a_full_disk_refuses_what_must_be_spooled_and_nothing_else_and_is_empty_again_afterwards(
    program: Callable[..., str], tmp_path: Path, clip: bytes, late_index: bytes
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    size = len(late_index) // 2 & ~4095
    with damaged(within=mounting(program, spool, f"size={size}"), spool_dir=spool) as (replica, client):
        inside = Path(f"/proc/{replica.pid}/root{spool}")

        def free() -> int:
            disk = os.statvfs(inside)
            return disk.f_bavail * disk.f_frsize

        empty = free()
        assert empty == size
        for _ in range(2):
            refused = analyse(client, late_index)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            # More than is kept in memory for another decoding process to begin with, should the first one die.
            assert analyse(client, clip * ceil(1.2 * MEMORY_BYTES / len(clip))).status_code == 200
            wait_until(lambda: free() == empty)
        assert list(inside.iterdir()) == []
        assert metric(client, 'attune_analyses_total{outcome="unavailable"}') == 2
        assert metric(client, "attune_worker_restarts_total") == 0
        assert client.get("/health/ready").status_code == 200


def test_a_state_folder_that_cannot_be_written_to_costs_checkpoints_their_life_beyond_the_process_and_nothing_else(
    program: Callable[..., str], tmp_path: Path, clip: bytes
) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    state.mkdir()
    with damaged(
        log,
        within=mounting(program, state, "ro"),
        environment={"XDG_STATE_HOME": str(state)},
        checkpoint_key=None,
        checkpoint_interval=0.4,
    ) as (replica, client):
        assert analyse(client, clip).status_code == 200
        with talk(replica) as session:
            session.media(clip[: len(clip) // 2])
            checkpoint = session.hear_until(Checkpoint)
        with talk(replica) as session:
            session.say("session.resume", token=checkpoint.token)
            session.hear_until(SessionResumed)
    assert "no key can be kept" in log.read_text()
