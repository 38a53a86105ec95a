"""The whole benchmark: how fast is Attune beside the bare libraries, and beside its rivals, on this machine?

    python -m benchmarks [--seconds 600] [--rounds 3] [--live-seconds 15] [--clip FILE] [--json OUT]

Every round measures the floor, the command, the floor again and the rivals, one after the other, so that what disturbs
the machine disturbs all of them; told are medians over the rounds, and ratios. Wants two cores of its own, and the
package index once, for a rival (`benchmarks.rivals`). A table goes to standard error. Without a file: the sample clip,
repeated.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import live, rivals, starting, uploads
from benchmarks.arithmetic import medians, rounded
from benchmarks.files import SHORT, Files
from benchmarks.machine import description
from benchmarks.processes import usable_cores
from benchmarks.report import tell, told
from benchmarks.serving import SAMPLE, save
from benchmarks.spent import Spent
from benchmarks.webm import LoopedRecording

_RIVAL_SECONDS = 20.0
_UPLOAD_ROUNDS = 5


def main() -> int:
    """Measure everything and report."""
    parser = argparse.ArgumentParser(description="Attune beside the bare libraries and its rivals.")
    parser.add_argument("--seconds", type=float, default=600.0, help="media of the longest file [default 600]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--live-seconds", type=float, default=15.0, help="media of each live session [default 15]")
    parser.add_argument("--clip", type=Path, default=SAMPLE)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cores = usable_cores()[-2:]
    if len(cores) < 2:
        parser.error("this needs two cores")
    if arguments.seconds < 2 * SHORT:
        parser.error(f"the longest file needs {2 * SHORT:g} seconds")
    began = datetime.now(UTC)
    python = rivals.install()
    recording = LoopedRecording(arguments.clip, 8.0)
    with TemporaryDirectory() as folder:
        whole = Files(recording, arguments.seconds, Path(folder), cores)
        brief = Files(recording, live.FLOOR_SECONDS, Path(folder), cores)
        rounds = [_round(whole, brief, python) for _ in range(arguments.rounds)]
        uploaded = uploads.measure(recording, Path(folder), _UPLOAD_ROUNDS)
    singles = sorted((one["floor_one_by_one"] for one in rounds), key=lambda spent: float(spent["seconds"]))
    sessions = live.measure(recording, arguments.live_seconds, Spent(**singles[len(singles) // 2]))
    report = rounded(
        {
            "measured": f"{began:%Y-%m-%d}",
            "minutes_taken": (datetime.now(UTC) - began).total_seconds() / 60,
            "media_seconds": arguments.seconds,
            "rounds": arguments.rounds,
            "machine": description(),
            **told(rounds, sessions, uploaded),
            "start": medians([one["start"] for one in rounds]),
        }
    )
    tell(report)
    save(report, arguments.json)
    return 0


def _round(whole: Files, brief: Files, python: Path) -> dict[str, Any]:
    core = whole.cores[-1]
    ratios, floor = whole.round()
    return {
        "file": ratios,
        "floor": floor,
        "floor_one_by_one": brief.floor("--one-by-one"),
        "rivals": rivals.watch_all(python, whole.recording(_RIVAL_SECONDS), core),
        "recognition": rivals.recognition(core),
        "start": starting.measure(),
    }


if __name__ == "__main__":
    sys.exit(main())
