"""Does a service come back to where it was after half an hour of everything at once?

    PYTHONPATH=tests python -m benchmarks.mixed_soak [--minutes 30] [--kill-every 60] [--seed N] [--json OUT]

Recordings, raw and in forms, live sessions, clients that leave in the midst, clients that are slow, and the bad media
of tests/hostile, all at once (`benchmarks.mixture`); now and then a decoding process is killed. Before and after, when
nobody is left, every place is filled once, and then, at rest, memory (PSS: shared pages count once), descriptors,
sockets, threads and temporary files of all processes are noted. In between they are printed every minute. The warm-up
is a tenth of the time, and not part of it.

The exit code is 1 unless memory is at most 5 % and 20 MB above the first, descriptors and sockets are no more, threads
only by those that the API process may have, no temporary file is left, and nothing was lost: every good recording and
session that was let in gave the same as the first time, and nobody met `internal_error` or `worker_failed`.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hostile.corpus import small

from benchmarks.clips import clips
from benchmarks.held import HEADING, Held
from benchmarks.long_session import MAX_BYTES, MAX_SHARE
from benchmarks.machine import machine
from benchmarks.mixture import Mixture
from benchmarks.serving import SAMPLE, Server, save, say, serving
from benchmarks.webm import LoopedRecording
from service.workers.detectors import KEPT

SESSIONS: Final = 2 * KEPT
UPLOADS: Final = 2 * KEPT
"""With all places taken once, each of two decoding processes has as many face detectors as it ever keeps."""
_MINUTE: Final = 60.0
_SETTLE_SECONDS: Final = 10.0
_REST_SECONDS: Final = 120.0
_BAD_BYTES: Final = 256 * 1024


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="Half an hour of everything at once.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--kill-every", type=float, default=60.0, help="seconds between two killed processes")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    say(f"seed {arguments.seed}")
    with TemporaryDirectory(prefix="soak-") as folder:
        os.environ["TMPDIR"] = folder
        with serving(workers=2, spool_dir=folder, max_sessions=SESSIONS, max_analyses=UPLOADS) as server:
            soak = Soak(
                server,
                Path(folder),
                arguments.seed,
                sessions=SESSIONS,
                uploads=UPLOADS,
                settle_seconds=_SETTLE_SECONDS,
            )
            report = asyncio.run(soak.run(_MINUTE * arguments.minutes, arguments.kill_every))
    report = {"machine": machine(), "minutes": arguments.minutes, "seed": arguments.seed, **report}
    say(json.dumps({name: report[name] for name in ("outcomes", "killed", "lost", "grown", "faults")}, indent=1))
    save(report, arguments.json)
    return 1 if report["faults"] else 0


class Soak:
    """One run over a running service, whose temporary files lie in `folder`."""

    def __init__(
        self, server: Server, folder: Path, seed: int, *, sessions: int, uploads: int, settle_seconds: float
    ) -> None:
        """`sessions`, `uploads`: as many as it takes. `settle_seconds`: for which nothing may become less any more."""
        self._server = server
        self._folder = folder
        self._sessions = sessions
        self._uploads = uploads
        self._settle_seconds = settle_seconds
        self._dice = random.Random(seed)  # noqa: S311  (nothing secret)
        bad = [item for item in small(_BAD_BYTES) if not item.headers]
        self._mixture = Mixture(server.port, LoopedRecording(SAMPLE, 8.0), clips(), bad, seed)
        self._killed = 0

    async def run(self, seconds: float, kill_every: float) -> dict[str, Any]:
        """The warm-up, the time itself, and what became of it."""
        say(f"       {HEADING}")
        await self._mixture.run(seconds / 10)
        before = await self._at_rest("before")
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(self._kill(kill_every)), group.create_task(self._watch())]
            await self._mixture.run(seconds)
            for other in others:
                other.cancel()
        after = await self._at_rest("after")
        grown = {name: value - asdict(before)[name] for name, value in asdict(after).items()}
        return {
            "before": asdict(before),
            "after": asdict(after),
            "grown": grown,
            "outcomes": {kind: dict(found) for kind, found in sorted(self._mixture.outcomes.items())},
            "killed": self._killed,
            "lost": dict(Counter(self._mixture.lost)),
            "faults": _faults(before, after, self._mixture.lost),
        }

    async def _at_rest(self, when: str) -> Held:
        """What is held when every place was taken once more, and everybody has left."""
        await self._settle()
        await self._mixture.fill(self._sessions, self._uploads)
        held = await self._settle()
        say(f"{when:6s} {held.row()}")
        return held

    async def _settle(self) -> Held:
        """What is held once that has not become less for a while."""
        deadline = time.monotonic() + _REST_SECONDS
        least, since = Held.of(self._server, self._folder), time.monotonic()
        while time.monotonic() < min(deadline, since + self._settle_seconds):
            await asyncio.sleep(1.0)
            now = Held.of(self._server, self._folder)
            if (now.sockets, now.descriptors, now.threads) < (least.sockets, least.descriptors, least.threads):
                since = time.monotonic()
            least = now
        return least

    async def _kill(self, every: float) -> None:
        """Kill a decoding process, now and then, but none twice."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * every)
            os.kill(self._dice.choice(self._server.processes[1:]), signal.SIGKILL)
            self._killed += 1

    async def _watch(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(_MINUTE)
            held = Held.of(self._server, self._folder)
            say(f"{(time.monotonic() - began) / _MINUTE:4.0f} m {held.row()}")


def _faults(before: Held, after: Held, lost: list[str]) -> list[str]:
    """What does not hold."""
    most = before.proportional_bytes + min(MAX_SHARE * before.proportional_bytes, MAX_BYTES)
    held = {
        "memory grew": after.proportional_bytes <= most,
        "descriptors are left": after.descriptors <= before.descriptors,
        "sockets are left": after.sockets <= before.sockets,
        "threads are left": after.threads <= before.threads + SESSIONS + UPLOADS,  # the API process's come by need
        "temporary files are left": not after.files,
        "a process is missing or too many": after.processes == before.processes,
        "something was lost": not lost,
    }
    return [fault for fault, holds in held.items() if not holds]


if __name__ == "__main__":
    sys.exit(main())
