"""The short form of `make soak`: everything at once for some seconds, and nothing is left or lost."""

import asyncio
import random
from pathlib import Path

import pytest

from benchmarks.mixed_soak import Soak
from benchmarks.serving import serving

SECONDS = 10.0
KILL_EVERY = 4.0
SETTLE_SECONDS = 1.0


def test_after_everything_at_once_no_file_socket_or_process_is_left_and_nothing_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    seed = random.SystemRandom().randrange(2**32)
    with serving(spool_dir=tmp_path, max_sessions=4, max_analyses=3) as server:
        soak = Soak(server, tmp_path, seed, sessions=4, uploads=3, settle_seconds=SETTLE_SECONDS)
        found = asyncio.run(soak.run(SECONDS, KILL_EVERY))
    assert not found["lost"], f"seed {seed}"
    before, after = found["before"], found["after"]
    assert (after["processes"], after["files"]) == (before["processes"], 0)
    assert after["sockets"] <= before["sockets"]
    assert found["killed"]
    kinds = {"recording", "slow upload", "upload that is cut", "bad upload"}
    kinds |= {"session", "session that is not read", "session that is cut", "bad session"}
    assert found["outcomes"].keys() <= kinds
    assert sum(found["outcomes"]["session"].values())
