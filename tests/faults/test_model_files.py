"""Model files that are truncated or swapped, before a service starts and while it runs."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faults.damaged import analyse, damaged
from live.replicas import Replica

from service.engine.engine import WEIGHTS


def truncate(weights: Path) -> None:
    file = weights / "fusion.onnx"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def swap(weights: Path) -> None:
    (weights / "fusion.onnx").write_bytes((weights / "face_encoder.onnx").read_bytes())


def start(weights: Path, log: Path) -> int:
    """The exit code of a service that cannot start."""
    replica = Replica(log, weights_dir=weights, log_format="json")
    replica.start()
    return replica.ended()


@pytest.mark.parametrize("damage", [truncate, swap])
def test_a_service_does_not_start_with_a_damaged_model_and_says_why(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    weights = shutil.copytree(WEIGHTS, tmp_path / "weights")
    damage(weights)
    assert start(weights, tmp_path / "log") == 3
    last = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines() if "cannot start" in line]
    assert [line["level"] for line in last] == ["CRITICAL"]
    assert "fusion.onnx" in last[0]["message"]
    assert "model_mismatch" in last[0]["message"]


def test_files_that_are_damaged_while_the_service_runs_change_nothing_until_it_starts_again(
    tmp_path: Path, clip: bytes
) -> None:
    weights = shutil.copytree(WEIGHTS, tmp_path / "weights")
    with damaged(weights_dir=weights) as (_, client):
        wanted = analyse(client, clip).json()
        truncate(weights)
        assert analyse(client, clip).json()["people"][0]["summary"] == wanted["people"][0]["summary"]
        swap(weights)
        assert analyse(client, clip).json()["people"][0]["summary"] == wanted["people"][0]["summary"]
        assert client.get("/health/ready").status_code == 200
    assert start(weights, tmp_path / "log") == 3
