"""Does a session of an hour stay flat in memory and in time per picture?

    python -m benchmarks.long_session [--minutes 60] [--clip FILE] [--json OUT]

One live session (WebM, 640 x 480, 25 pictures per second, sound) whose media is sent as fast as the service takes it.
After each minute of media: resident memory of the service and its decoding processes, and their processor time per
picture, as a multiple of the processor time of a fixed piece of work done in the same minute, since shared machines
slow down and recover. Flat means: from the end of the warm-up (a tenth of the session) to its last tenth, memory grew
by at most 5 % and 20 MB, and the median relative time per picture by at most 5 %. The exit code is 1 where it is not.
Without a file: the sample clip.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.serving import Server, serving, stream
from benchmarks.webm import RATE, LoopedRecording, Piece

MAX_SHARE = 0.05
MAX_BYTES = 20_000_000
_NOISE = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
_SAMPLE = Path(__file__).parent.parent / "service/page/sample.mp4"


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="Memory and time of one long session.")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--clip", type=Path, default=_SAMPLE)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.minutes < 10:
        parser.error("fewer than ten minutes say nothing")
    recording = LoopedRecording(arguments.clip, 8.0)
    memory: list[int] = []
    used: list[float] = []
    yardstick: list[float] = []
    with serving(workers=1) as server:
        pieces = _watched(recording.pieces(60.0 * arguments.minutes, 0.1), server, memory, used, yardstick)
        session = asyncio.run(stream(server, pieces, paced=False, warm_up=0.0))
    if session.summary is None:
        raise RuntimeError(f"the session failed: {session.errors}")
    per_picture = [
        (after - before) / (60 * RATE * work)
        for (before, after), work in zip(pairwise(used), yardstick[1:], strict=True)
    ]
    share = max(2, arguments.minutes // 10)
    settled, last = memory[share], int(median(memory[-share:]))
    early, late = median(per_picture[share : 3 * share]), median(per_picture[-2 * share :])
    flat = last - settled <= min(MAX_SHARE * settled, MAX_BYTES) and late <= (1 + MAX_SHARE) * early
    say(f"memory grew by {(last - settled) / 1e6:.1f} MB ({last / settled - 1:+.1%})")
    say(f"relative time per picture {early:.3f} -> {late:.3f} ({late / early - 1:+.1%})")
    say("flat" if flat else "NOT FLAT")
    report = {
        "minutes": arguments.minutes,
        "measurements": session.measurements,
        "resident_bytes": memory,
        "relative_time_per_picture": [round(value, 4) for value in per_picture],
        "grown_bytes": last - settled,
        "flat": flat,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if flat else 1


def _watched(
    pieces: Iterator[Piece], server: Server, memory: list[int], used: list[float], yardstick: list[float]
) -> Iterator[Piece]:
    """The pieces; notes what the service uses after each minute of media, and how fast the machine is meanwhile."""
    minute: list[float] = []
    for piece in pieces:
        yield piece
        if piece.time >= 60 * (len(used) - 1) + 5 * len(minute):
            minute.append(_work())
        if piece.time >= 60 * len(used):
            yardstick.append(median(minute))
            minute.clear()
            memory.append(server.resident_bytes)
            used.append(server.cpu_seconds)
            say(f"{piece.time / 60:5.1f} min {memory[-1] / 1e6:8.1f} MB {used[-1]:8.1f} s")


def _work() -> float:
    """Processor seconds of a fixed piece of work."""
    began = time.process_time()
    for _ in range(40):
        cv2.resize(cv2.resize(_NOISE, (320, 240), interpolation=cv2.INTER_AREA), (640, 480))
    return time.process_time() - began


def say(text: str) -> None:
    """Write a line of the table."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
