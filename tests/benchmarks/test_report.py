"""What is told, and under which names."""

import sys
from subprocess import CalledProcessError
from typing import Any

import pytest

from benchmarks.processes import run_together, told_by, usable_cores
from benchmarks.report import AT_LEAST, AT_MOST, table, told

SPENT: dict[str, Any] = {
    "parts": {"decode": 1.0, "detect": 2.0},
    "seconds": 4.0,
    "cpu_seconds": 4.0,
    "counts": {"pictures": 1000, "detections": 1700},
}
ROUND: dict[str, Any] = {
    "file": {
        "ratio_one_core": 0.9,
        "ratio_two_cores": 1.6,
        "outside_floor_share": 0.1,
        "seconds_per_media_second": 0.1,
    },
    "floor": [SPENT, SPENT],
    "floor_one_by_one": SPENT,
    "rivals": {name: {"pictures": 500, "seconds": 10.0} for name in ("fer", "hsemotion_b0", "deepface")},
    "recognition": {"hsemotion_b0": 0.01, "deepface": 0.001, "attune": 0.0005, "attune_with_step": 0.001},
}


def test_every_target_has_its_figure() -> None:
    report = told([ROUND], {"sessions_ratio": 0.5}, [{"overhead_ratio": 0.2}])
    lines = table(report)
    assert len(lines) == 1 + len(AT_LEAST) + len(AT_MOST)
    missed = [line.split()[0] for line in lines if line.endswith("missed")]
    assert missed == ["file.ratio_two_cores", "live.sessions_ratio", "rivals.hsemotion_b0.recognition_ratio"]


def test_rivals_are_told_beside_the_same_round() -> None:
    slow = ROUND | {"file": ROUND["file"] | {"seconds_per_media_second": 0.2}}
    report = told([ROUND, slow, slow], {}, [{"overhead_ratio": 0.2}])
    assert report["rivals"]["fer"]["ratio"] == pytest.approx(0.02 * 25 / 0.2)
    assert report["rivals"]["deepface"]["recognition_ratio"] == pytest.approx(2.0)
    assert "recognition_ratio" not in report["rivals"]["fer"]
    assert report["file"]["floor_ms_per_picture"] == {"decode": 1.0, "detect": 2.0, "sum": 4.0}


def test_a_run_that_fails_is_no_measurement() -> None:
    with pytest.raises(CalledProcessError):
        run_together([[sys.executable, "-c", "raise SystemExit(3)"]], usable_cores()[-1:])


def test_processes_are_held_to_their_cores_and_measured() -> None:
    core = usable_cores()[-1]
    program = "import json, os; print('chatter'); print(json.dumps(sorted(os.sched_getaffinity(0))))"
    assert told_by([sys.executable, "-c", program], core) == [core]
    used = run_together([[sys.executable, "-c", "x = bytearray(50_000_000)"]] * 2, [core])
    assert used.peak_bytes > 50_000_000
    assert used.cpu_seconds > 0
    assert used.seconds > 0
