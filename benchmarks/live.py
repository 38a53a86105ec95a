"""How long does a live session wait for its numbers, and how many sessions does this machine hold?

    python -m benchmarks.live [--seconds 20] [--clip FILE] [--json OUT]

Real sessions over loopback, each a WebM stream of 640 x 480 at 25 pictures per second with sound, sent at its own pace,
one message for each packet, by a client that shares the machine. The delay of a result is what the service reports:
from the arrival of the step's newest media to the departure of its measurement. A number of sessions is held while p95
is under 200 ms and no picture is dropped (`late: drop`). Beside it, in the same run and on one core, the bare libraries
at the same work, every crop and step in a run of its own. Without a file: the sample clip.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import event_loop
from benchmarks.files import Files
from benchmarks.machine import machine
from benchmarks.processes import usable_cores
from benchmarks.serving import SAMPLE, Server, save, say, serving
from benchmarks.sessions import Session, stream
from benchmarks.spent import Spent
from benchmarks.webm import LoopedRecording
from service.settings import available_cores

HELD_BELOW = 0.2
"""Seconds of p95."""
LOADS = (25, 50, 90)
"""Percent of the most sessions that are held, for which delays are told."""
FLOOR_SECONDS = 40.0
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
    with TemporaryDirectory() as folder:
        floor = Spent(**Files(recording, FLOOR_SECONDS, Path(folder), usable_cores()).floor("--one-by-one"))
    report = {"machine": machine(), "floor_ms": floor.milliseconds(), **measure(recording, arguments.seconds, floor)}
    say(f"{report['machine']}; bare libraries at one picture, ms: {report['floor_ms']}")
    save(report, arguments.json)
    return 0 if report["loads"]["50"]["p95_ms"] < 150 else 1


def measure(recording: LoopedRecording, seconds: float, floor: Spent) -> dict[str, Any]:
    """Capacity, and then, with a fresh service, the delays at parts of it."""
    with serving(max_sessions=MOST) as server:
        runs = find_capacity(server, recording, seconds)
    held = max((count for count, run in runs.items() if run["held"]), default=0)
    counts = {str(part): max(1, round(held * part / 100)) for part in LOADS}
    with serving(max_sessions=MOST) as server:
        loads = {part: load(server, recording, count, seconds) for part, count in counts.items()}
    few, many = (loads[str(part)] for part in (LOADS[0], LOADS[-1]))
    more = many["sessions"] - few["sessions"]
    return {
        "sessions": held,
        "sessions_ratio": held / (available_cores() * floor.sessions_per_core),
        "bytes_per_session": round(1e6 * (many["resident_mb"] - few["resident_mb"]) / more) if more else None,
        "loads": loads,
        "runs": {str(count): run for count, run in sorted(runs.items())},
    }


def find_capacity(server: Server, recording: LoopedRecording, seconds: float) -> dict[int, dict[str, Any]]:
    """Runs by number of sessions: doubled until one is not held, then halved in between."""
    runs: dict[int, dict[str, Any]] = {}

    def held(count: int) -> bool:
        runs[count] = load(server, recording, count, seconds)
        return bool(runs[count]["held"])

    high = 1
    while high <= MOST and held(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if held(middle) else (low, middle)
    return runs


def load(server: Server, recording: LoopedRecording, count: int, seconds: float) -> dict[str, Any]:
    """That many sessions at once, begun a fraction of a second apart."""
    used, api, client = server.cpu_seconds, server.own_cpu_seconds, time.process_time()
    with event_loop.watched(server, seconds) as lag:
        sessions, memory = asyncio.run(_load(server, recording, count, seconds))
    used, api = server.cpu_seconds - used, server.own_cpu_seconds - api
    client = time.process_time() - client
    delays = np.array([delay for session in sessions for delay in session.delays])
    dropped = sum(sum(session.summary["media"]["dropped"].values()) for session in sessions if session.summary)
    whole = all(session.summary and not session.errors for session in sessions)
    if not len(delays):
        raise RuntimeError(f"{count} sessions gave no measurement: {[session.errors for session in sessions]}")
    p50, p95, p99 = (float(np.percentile(delays, share)) for share in (50, 95, 99))
    run = {
        "sessions": count,
        "p50_ms": round(1000 * p50, 1),
        "p95_ms": round(1000 * p95, 1),
        "p99_ms": round(1000 * p99, 1),
        "dropped": dropped,
        "cpu_seconds_per_stream_second": round(used / (count * seconds), 3),
        "of_it_api_process": round(api / (count * seconds), 3),
        "client_cpu_seconds_per_stream_second": round(client / (count * seconds), 3),
        "held": whole and p95 < HELD_BELOW and dropped == 0,
        "resident_mb": round(memory / 1e6, 1),
        "event_loop": {name: round(value, 5) for name, value in lag.items()},
    }
    say(f"live: {json.dumps(run)}")
    return run


async def _load(server: Server, recording: LoopedRecording, count: int, seconds: float) -> tuple[list[Session], int]:
    """The sessions, and the service's resident memory when most of their media was sent."""

    async def one(number: int) -> Session:
        await asyncio.sleep(0.37 * number % 1.0)
        pieces = recording.pieces(seconds, 0)
        return await stream(server.port, pieces, paced=True, warm_up=WARM_UP, late="drop", max_delay=1.0)

    async def weigh() -> int:
        await asyncio.sleep(0.9 * seconds)
        return server.resident_bytes

    sessions, memory = await asyncio.gather(asyncio.gather(*(one(number) for number in range(count))), weigh())
    return sessions, memory


if __name__ == "__main__":
    sys.exit(main())
