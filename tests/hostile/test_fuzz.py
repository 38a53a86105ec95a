"""A short run of what `make fuzz` does for long."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hostile.inputs import make

_ROOT = Path(__file__).parent.parent.parent
_INPUTS = 400


def test_an_input_is_made_from_its_seed_and_number_alone() -> None:
    assert [make(3, number) for number in (5, 9, 5)] == [make(3, 5), make(3, 9), make(3, 5)]
    assert make(4, 5) != make(3, 5)


def test_every_way_into_the_service_is_tried() -> None:
    assert {make(0, number).way for number in range(300)} == {
        *("upload", "form", "session", "frames", "messages", "HTTP", "WebSocket")
    }


def test_some_hundred_bad_inputs_find_nothing(tmp_path: Path) -> None:
    report = tmp_path / "fuzz.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--inputs", str(_INPUTS), "--seed", "7", "--json", str(report)],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": "tests"},
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stderr
    told = json.loads(report.read_text())
    assert not told["findings"]
    assert done.returncode == 0, done.stderr
    assert told["inputs"] == sum(told["ways"].values()) == _INPUTS
