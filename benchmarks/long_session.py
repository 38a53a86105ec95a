"""Does a session of an hour stay flat in memory and in time per picture?

    python -m benchmarks.long_session [--minutes 60] [--clip FILE] [--json OUT]

One live session (WebM, 640 x 480, 25 pictures per second, sound) whose media is sent as fast as the service takes it.
Memory is the resident memory of the service and its decoding processes at each minute of media. Time is their processor
time per picture, over that of sessions of a minute each that a second service runs meanwhile: these are always young,
and suffer from a shared machine as the long one does. They run in two windows of a fifth of the session each: behind
the warm-up (a tenth of it), and at its end. Flat means that from one to the other memory grew by at most 5 % and 20 MB,
and the relative time per picture by at most 5 %. The exit code is 1 where it is not. Without a file: the sample clip.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.serving import SAMPLE, Server, save, say, serving
from benchmarks.sessions import Session, stream
from benchmarks.webm import RATE, LoopedRecording, Piece

MAX_SHARE = 0.05
MAX_BYTES = 20_000_000
_MINUTE = 60.0
_PIECE = 0.1


@dataclass(slots=True)
class Window:
    """Minutes of the long session during which young ones run beside it."""

    minutes: range
    old_seconds: list[float] = field(default_factory=list)
    """Processor seconds of each minute of the long session."""
    young_seconds: list[float] = field(default_factory=list)
    """Processor seconds of each whole young session."""

    @property
    def relative_time(self) -> float:
        """Time per picture of the long session over that of the young ones; both have minutes of the same pictures."""
        return median(self.old_seconds) / median(self.young_seconds)


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="Memory and time of one long session.")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--clip", type=Path, default=SAMPLE)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.minutes < 20:
        parser.error("fewer than twenty minutes say nothing")
    minutes, tenth = arguments.minutes, arguments.minutes // 10
    early, late = Window(range(tenth, 3 * tenth)), Window(range(minutes - 2 * tenth, minutes))
    memory: list[int] = []
    recording = LoopedRecording(arguments.clip, 8.0)
    with serving(workers=1) as old, serving(workers=1) as young:
        session = asyncio.run(_run(recording, minutes, old, young, (early, late), memory))
    if session.summary is None:
        raise RuntimeError(f"the session failed: {session.errors}")
    settled, last = memory[tenth], int(median(memory[-tenth:]))
    growth = late.relative_time / early.relative_time - 1
    flat = last - settled <= min(MAX_SHARE * settled, MAX_BYTES) and growth <= MAX_SHARE
    people = len(session.summary["people"])
    say(f"{session.measurements} measurements, {people} people")
    say(f"memory grew by {(last - settled) / 1e6:.1f} MB ({last / settled - 1:+.1%})")
    say(
        f"time per picture over a young session's {early.relative_time:.3f} -> {late.relative_time:.3f} ({growth:+.1%})"
    )
    say("flat" if flat else "NOT FLAT")
    report = {
        "minutes": minutes,
        "measurements": session.measurements,
        "people": people,
        "resident_bytes": memory,
        "relative_time_per_picture": {
            "early": round(early.relative_time, 4),
            "late": round(late.relative_time, 4),
            "young_sessions": [len(early.young_seconds), len(late.young_seconds)],
        },
        "cpu_ms_per_picture": {
            name: [round(1000 * seconds / (_MINUTE * RATE), 2) for seconds in values]
            for name, values in (
                ("early", early.old_seconds),
                ("early_young", early.young_seconds),
                ("late", late.old_seconds),
                ("late_young", late.young_seconds),
            )
        },
        "grown_bytes": last - settled,
        "flat": flat,
    }
    save(report, arguments.json)
    return 0 if flat else 1


async def _run(
    recording: LoopedRecording,
    minutes: int,
    old: Server,
    young: Server,
    windows: tuple[Window, Window],
    memory: list[int],
) -> Session:
    """The long session; notes memory after each minute, and fills the windows."""
    started = [asyncio.Event() for _ in windows]
    ended = [asyncio.Event() for _ in windows]

    def watched() -> Iterator[Piece]:
        used, minute = old.cpu_seconds, 0
        for piece in recording.pieces(_MINUTE * minutes, _PIECE):
            for window, begun in zip(windows, started, strict=True):
                if minute >= window.minutes.start:
                    begun.set()
            yield piece
            if piece.time >= _MINUTE * (minute + 1):
                before, used = used, old.cpu_seconds
                for window, over in zip(windows, ended, strict=True):
                    if minute in window.minutes:
                        window.old_seconds.append(used - before)
                    if minute + 1 >= window.minutes.stop:
                        over.set()
                minute += 1
                memory.append(old.resident_bytes)
                say(f"{minute:3d} min {memory[-1] / 1e6:8.1f} MB {1000 * (used - before) / (_MINUTE * RATE):6.2f} ms")

    async def compare(window: Window, begun: asyncio.Event, over: asyncio.Event) -> None:
        await begun.wait()
        while not over.is_set():
            used = young.cpu_seconds
            await stream(young.port, recording.pieces(_MINUTE, _PIECE), paced=False, warm_up=0.0)
            window.young_seconds.append(young.cpu_seconds - used)

    async with asyncio.TaskGroup() as group:
        session = group.create_task(stream(old.port, watched(), paced=False, warm_up=0.0))
        for parts in zip(windows, started, ended, strict=True):
            group.create_task(compare(*parts))
    return session.result()


if __name__ == "__main__":
    sys.exit(main())
