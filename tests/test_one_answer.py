"""The same recording gives the same numbers by every way in."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api.harness import PATIENCE, run


def _probabilities(result: dict[str, Any]) -> list[float]:
    steps = [step for person in result["people"] for step in person["timeline"]]
    return [value for step in steps for value in step["probabilities"].values()]


def test_a_slow_upload_by_curl_a_quick_one_and_the_command_give_the_same_probabilities(
    sample: Path, tmp_path: Path, program: Callable[..., str]
) -> None:
    curl = program("curl")
    slow, command = tmp_path / "slow.json", tmp_path / "command.json"
    with run(workers=1, max_analyses=1) as service:
        url = f"http://127.0.0.1:{service.port}/v1/analyses"
        subprocess.run(
            [curl, "--silent", "--fail", "--limit-rate", "100k", "-F", f"file=@{sample}", "-o", str(slow), url],
            check=True,
            timeout=PATIENCE,
        )
        quick = service.analyse(sample.read_bytes()).json()
    subprocess.run(
        [sys.executable, "-m", "service", "analyze", str(sample), "--json", str(command)],
        check=True,
        timeout=PATIENCE,
        capture_output=True,
    )
    wanted = _probabilities(quick)
    assert len(wanted) > 7 * 200
    assert _probabilities(json.loads(slow.read_text())) == pytest.approx(wanted, abs=1e-5)
    assert _probabilities(json.loads(command.read_text())) == pytest.approx(wanted, abs=1e-5)
