"""What does `attune analyze` cost over long recordings, in processor time, memory and length of its lines?

    python -m benchmarks.bulk [--minutes 1 10 30] [--timeline-fps 5] [--clip FILE] [--json OUT]

One process for each length, as a shard of a batch is one (docs/batch.md): WebM, 640 x 480, 25 pictures per second,
sound, one person. A table goes to standard error. Without a file: the sample clip.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.machine import machine
from benchmarks.serving import SAMPLE, save, say
from benchmarks.webm import LoopedRecording

_PIECE = 10.0


def main() -> int:
    """Measure and report; the exit code is 1 where an analysis failed."""
    parser = argparse.ArgumentParser(description="Cost of long recordings in bulk.")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10, 30])
    parser.add_argument("--timeline-fps", type=float, default=5.0)
    parser.add_argument("--clip", type=Path, default=SAMPLE)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    recording = LoopedRecording(arguments.clip, 8.0)
    say("minutes   media s / s   cores   CPU s / media s   resident MB   line MB")
    with TemporaryDirectory() as folder:
        runs = {
            str(minutes): measure(recording, 60.0 * minutes, arguments.timeline_fps, Path(folder))
            for minutes in arguments.minutes
        }
    save({"machine": machine(), "timeline_fps": arguments.timeline_fps, "minutes": runs}, arguments.json)
    return 0 if all(runs.values()) else 1


def measure(recording: LoopedRecording, seconds: float, timeline_fps: float, folder: Path) -> dict[str, float]:
    """One recording of that length in a process of its own; nothing where that failed."""
    source, out = folder / "recording.webm", folder / "out.jsonl"
    with source.open("wb") as file:
        file.writelines(piece.data for piece in recording.pieces(seconds, _PIECE))
    options = ["--jsonl", str(out), "--quiet", "--provider", "cpu", "--timeline-fps", str(timeline_fps)]
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "service", "analyze", str(source), *options])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return {}
    taken, cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
    run = {
        "speed": round(seconds / taken, 2),
        "cores": round(cpu / taken, 2),
        "cpu_seconds_per_media_second": round(cpu / seconds, 4),
        "resident_mb": round(used.ru_maxrss * 1024 / 1e6, 1),
        "line_mb": round(out.stat().st_size / 1e6, 2),
    }
    say(
        f"{seconds / 60:7.0f} {run['speed']:13.2f} {run['cores']:7.2f} {run['cpu_seconds_per_media_second']:17.4f} "
        f"{run['resident_mb']:13.1f} {run['line_mb']:9.2f}"
    )
    return run


if __name__ == "__main__":
    sys.exit(main())
