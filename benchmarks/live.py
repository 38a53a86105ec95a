"""How long does a live session wait for its numbers, and how many sessions does this machine hold?

    python -m benchmarks.live [--seconds 20] [--clip FILE] [--json OUT]

Real sessions over loopback, each a WebM stream of 640 x 480 at 25 pictures per second with sound, sent at its own pace,
one message for each packet. The delay of a result is what the service reports: from the arrival of the step's newest
media to the departure of its measurement. A number of sessions is held while p95 is under 200 ms and no picture is
dropped (`late: drop`). Beside it, in the same run and on one core, the bare parts that one picture needs: decode and
convert, detect, encode, step. Without a file: the sample clip.
"""

import argparse
import asyncio
import json
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.floor import measure_floor
from benchmarks.serving import SAMPLE, Server, Session, say, serving, stream
from benchmarks.webm import LoopedRecording
from service.settings import available_cores

HELD_BELOW = 0.2
"""Seconds of p95."""
WARM_UP = 4.0
MOST = 64


def main() -> int:
    """Measure and report; the exit code is 1 where the delay at half load is 150 ms or more."""
    parser = argparse.ArgumentParser(description="Delay and capacity of live sessions.")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clip", type=Path, default=SAMPLE)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    recording = LoopedRecording(arguments.clip, 8.0)
    floor = measure_floor(recording)
    with serving(max_sessions=MOST) as server:
        runs = find_capacity(server, recording, arguments.seconds)
    held = max((count for count, run in runs.items() if run["held"]), default=0)
    half = max(1, held // 2)
    report = {
        "machine": f"{platform.machine()}, {available_cores()} cores",
        "floor_ms": floor.milliseconds(),
        "sessions": held,
        "sessions_ratio": held / (available_cores() * floor.sessions_per_core),
        "runs": {str(count): run for count, run in sorted(runs.items())},
    }
    tell(report, half)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if runs[half]["p95_ms"] < 150 else 1


def find_capacity(server: Server, recording: LoopedRecording, seconds: float) -> dict[int, dict[str, Any]]:
    """Runs by number of sessions: doubled until one is not held, then halved in between; half of the most is there."""
    runs: dict[int, dict[str, Any]] = {}

    def held(count: int) -> bool:
        if count not in runs:
            runs[count] = load(server, recording, count, seconds)
        return bool(runs[count]["held"])

    high = 1
    while high <= MOST and held(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if held(middle) else (low, middle)
    held(max(1, low // 2))
    return runs


def load(server: Server, recording: LoopedRecording, count: int, seconds: float) -> dict[str, Any]:
    """That many sessions at once, begun a fraction of a second apart."""
    used, memory = server.cpu_seconds, server.resident_bytes
    sessions = asyncio.run(_load(server, recording, count, seconds))
    used = server.cpu_seconds - used
    delays = np.array([delay for session in sessions for delay in session.delays])
    dropped = sum(sum(session.summary["media"]["dropped"].values()) for session in sessions if session.summary)
    whole = all(session.summary and not session.errors for session in sessions)
    p50, p95 = (float(np.percentile(delays, share)) if len(delays) else float("inf") for share in (50, 95))
    run = {
        "p50_ms": round(1000 * p50, 1),
        "p95_ms": round(1000 * p95, 1),
        "dropped": dropped,
        "cpu_seconds_per_stream_second": round(used / (count * seconds), 3),
        "held": whole and p95 < HELD_BELOW and dropped == 0,
        "resident_mb": round(memory / 1e6, 1),
    }
    say(f"{count:3d} sessions: {json.dumps(run)}")
    return run


async def _load(server: Server, recording: LoopedRecording, count: int, seconds: float) -> list[Session]:
    async def one(number: int) -> Session:
        await asyncio.sleep(0.37 * number % 1.0)
        pieces = recording.pieces(seconds, 0)
        return await stream(server, pieces, paced=True, warm_up=WARM_UP, late="drop", max_delay=1.0)

    return await asyncio.gather(*(one(number) for number in range(count)))


def tell(report: dict[str, Any], half: int) -> None:
    """The table."""
    say(f"{report['machine']}; bare parts of one picture, ms: {report['floor_ms']}")
    say("sessions   p50 ms   p95 ms   p50 / bare parts")
    whole = report["floor_ms"]["sum"]
    for count in sorted({1, half, report["sessions"]} & {int(key) for key in report["runs"]}):
        run = report["runs"][str(count)]
        say(f"{count:8d} {run['p50_ms']:8.1f} {run['p95_ms']:8.1f} {run['p50_ms'] / whole:10.1f}")


if __name__ == "__main__":
    sys.exit(main())
