"""How long live sessions take to be up to date again when the process that decodes them is killed.

    python -m benchmarks.recovery [--rounds 5] [--sessions 4] [--json OUT]

A service with two decoding processes and sessions of a camera's pace on both. In each round one process is killed. A
session has recovered when a second begins in which the 95th percentile of its delay is at most twice the usual one,
that of all sessions in the seconds before. Sessions of the other process are told beside: they should not notice.

The exit code is 1 where a measurement is lost or told twice, a session has no summary, or one takes longer than three
seconds to recover.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.machine import machine
from benchmarks.serving import SAMPLE, Server, save, say, serving
from benchmarks.sessions import Heard, Session, stream
from benchmarks.webm import RATE, LoopedRecording

WARM_UP: Final = 4.0
USUAL: Final = 6.0
"""Seconds whose delays are the usual ones."""
AFTER: Final = 8.0
"""Seconds of media behind the kill."""
WITHIN: Final = 3.0
"""Seconds in which a session has to recover."""
TIMES_USUAL: Final = 2.0


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="Recovery of live sessions from a killed decoding process.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=4, help="an even number [default 4]")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    recording = LoopedRecording(SAMPLE, 8.0)
    rounds = []
    for _ in range(arguments.rounds):
        with serving(workers=2, max_sessions=arguments.sessions) as server:
            rounds.append(asyncio.run(_round(server, recording, arguments.sessions)))
        say(f"recovery: {json.dumps(rounds[-1])}")
    report = {
        "machine": machine(),
        "recovery_seconds": median(one["recovery_seconds"] for one in rounds),
        "longest_recovery_seconds": max(one["recovery_seconds"] for one in rounds),
        "others_ratio": median(one["others_ratio"] for one in rounds),
        "lost": sum(one["lost"] for one in rounds),
        "rounds": rounds,
    }
    say(json.dumps({name: value for name, value in report.items() if name != "rounds"}))
    save(report, arguments.json)
    return 0 if report["lost"] == 0 and report["longest_recovery_seconds"] <= WITHIN else 1


async def _round(server: Server, recording: LoopedRecording, count: int) -> dict[str, Any]:
    seconds = WARM_UP + USUAL + AFTER
    killed_at = 0.0

    async def one(number: int) -> Session:
        await asyncio.sleep(0.37 * number % 1.0)
        return await stream(server.port, recording.pieces(seconds, 0), paced=True, warm_up=WARM_UP)

    async def kill() -> None:
        nonlocal killed_at
        await asyncio.sleep(WARM_UP + USUAL + 1.0)
        killed_at = time.monotonic()
        os.kill(server.processes[-1], signal.SIGKILL)

    sessions, _ = await asyncio.gather(asyncio.gather(*(one(number) for number in range(count))), kill())
    told = [session.heard for session in sessions]
    usual = _p95([heard for each in told for heard in each if killed_at - USUAL <= heard.at < killed_at])
    told.sort(key=lambda each: _longest_pause(each, killed_at))
    spared, hit = told[: count // 2], told[count // 2 :]  # sessions are shared out evenly
    others = [heard for each in spared for heard in each if killed_at <= heard.at < killed_at + WITHIN]
    return {
        "usual_p95_ms": round(1000 * usual, 1),
        "recovery_seconds": round(max(_recovery(each, killed_at, usual) for each in hit), 3),
        "longest_pause_seconds": round(max(_longest_pause(each, killed_at) for each in hit), 3),
        "others_ratio": round(_p95(others) / usual, 2),
        "lost": sum(_lost(session, seconds) for session in sessions),
    }


def _recovery(heard: Sequence[Heard], killed_at: float, usual: float) -> float:
    """Seconds from the kill to the first second whose delays are as they should be."""
    after = [one for one in heard if one.at >= killed_at]
    for first in after:
        second = [one for one in after if first.at <= one.at < first.at + 1.0]
        if len(second) > RATE // 2 and _p95(second) <= TIMES_USUAL * usual:
            return first.at - killed_at
    return float("inf")


def _longest_pause(heard: Sequence[Heard], killed_at: float) -> float:
    """Longest time between two measurements, soon after the kill."""
    times = [one.at for one in heard if killed_at - 0.5 <= one.at < killed_at + WITHIN + 1.0]
    return max((later - earlier for earlier, later in pairwise(times)), default=float("inf"))


def _lost(session: Session, seconds: float) -> int:
    """Steps between the first measurement and the end of the media that were not told just once, or all of them where
    there is no summary."""
    steps = [round(one.time * RATE) for one in session.heard]
    if session.summary is None or session.errors or not steps:
        return round(seconds * RATE)
    missing = set(range(steps[0], round(seconds * RATE))) - set(steps)
    return len(missing) + len(steps) - len(set(steps))


def _p95(heard: Sequence[Heard]) -> float:
    return float(np.percentile([one.delay for one in heard], 95))


if __name__ == "__main__":
    sys.exit(main())
