"""The tables in docs/operations.md and docs/batch.md say what the benchmarks measured."""

import json
from pathlib import Path
from typing import Any

from service.settings import SESSIONS_PER_CORE

ROOT = Path(__file__).parent.parent


def _results(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text())


def test_live_sessions_are_sized_by_the_benchmark() -> None:
    live = _results("live")
    runs = live["runs"]
    first_lost = min(int(count) for count, run in runs.items() if not run["held"])
    rows = [
        f"| {count}{'' if run['held'] else ', no longer held'} | {run['p50_ms']:.0f} ms | {run['p95_ms']:.0f} ms "
        f"| {run['cpu_seconds_per_stream_second']:.2f} | {run['resident_mb']:.0f} MB |"
        for count, run in runs.items()
        if int(count) <= first_lost
    ]
    text = (ROOT / "docs" / "operations.md").read_text()
    assert "\n".join(rows) in text, "the rows are those of benchmarks/results/live.json"
    assert f"{live['sessions']} sessions on {live['machine'].split(', ')[1]}" in text


def test_a_service_takes_no_more_sessions_by_itself_than_its_cores_were_seen_to_hold() -> None:
    live = _results("live")
    cores = int(live["machine"].split(", ")[1].split()[0])
    assert SESSIONS_PER_CORE * cores < live["sessions"], "some room is left: not every machine is the benchmark's"


def test_long_recordings_are_sized_by_the_benchmark() -> None:
    bulk = _results("bulk")
    rows = [
        f"| {minutes} min | {run['cpu_seconds_per_media_second']:.2f} | {run['resident_mb']:.0f} MB "
        f"| {run['line_mb']:.1f} MB |"
        for minutes, run in bulk["minutes"].items()
    ]
    for document in ("operations.md", "batch.md"):
        text = (ROOT / "docs" / document).read_text()
        assert "\n".join(rows) in text, "the rows are those of benchmarks/results/bulk.json"
