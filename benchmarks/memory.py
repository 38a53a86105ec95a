"""Does the command's memory stay flat over many files in one process?

    python -m benchmarks.memory [--rounds 10] [--warm-up 2] [FILE...]

Analyses all files once in every round, in one process with one engine and one face detector as `attune analyze` does,
and measures the resident memory after each round. Flat means: from the end of the warm-up to the last three rounds
(their median, because the allocator now and then gives back late) it grew by at most 5 % and 20 MB. A table goes to
standard error, JSON to standard output; the exit code is 1 where memory is not flat. Without files: the clips of
../shared/data (or of the folder that ATTUNE_DATA names).
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.serving import say
from service.cli.outputs import result_line
from service.cli.pipeline import Pipeline
from service.cli.sources import open_source
from service.heaps import share_heaps
from service.representation import DEFAULT_HORIZON
from service.settings import Settings

MAX_SHARE = 0.05
MAX_BYTES = 20_000_000
LAST = 3


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="Memory of the command over many files.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--warm-up", type=int, default=2)
    arguments = parser.parse_args()
    if not 0 < arguments.warm_up <= arguments.rounds - LAST:
        parser.error(f"there must be a warm-up and {LAST} rounds after it")
    share_heaps()  # as the command does
    files = arguments.files or sorted((Path(os.environ.get("ATTUNE_DATA", "../shared/data")) / "clips").iterdir())
    memory = measure(files, rounds=arguments.rounds)
    settled, last = memory[arguments.warm_up - 1], int(median(memory[-LAST:]))
    flat = last - settled <= min(MAX_SHARE * settled, MAX_BYTES)
    say(f"grown by {(last - settled) / 1e6:.1f} MB ({last / settled - 1:+.1%}): {'flat' if flat else 'NOT FLAT'}")
    report = {
        "files": [file.name for file in files],
        "rounds": arguments.rounds,
        "warm_up": arguments.warm_up,
        "resident_bytes": memory,
        "grown_bytes": last - settled,
        "flat": flat,
    }
    print(json.dumps(report))
    return 0 if flat else 1


def measure(files: list[Path], *, rounds: int) -> list[int]:
    """Resident bytes after each round over all files."""
    memory = []
    say("round   seconds   resident MB")
    with Pipeline(Settings(), "cpu") as pipeline:
        for number in range(1, rounds + 1):
            began = time.monotonic()
            for file in files:
                with open_source(str(file)) as source:
                    result = pipeline.analyse(
                        source,
                        faces="all",
                        horizon=DEFAULT_HORIZON,
                        timeline_fps=None,
                        progress=lambda _seconds, _people: None,
                    )
                result_line(str(file), result)
            memory.append(resident_bytes())
            say(f"{number:5d} {time.monotonic() - began:9.1f} {memory[-1] / 1e6:13.1f}")
    return memory


def resident_bytes() -> int:
    """Resident set of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
