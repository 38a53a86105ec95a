"""Callers of a running service, in a process of their own, so that they do not wait for whoever measures it.

    python -m benchmarks.traffic PORT SECONDS [--sessions N] [--uploads N] [--knocks N] [--late drop]

`--sessions`: live sessions at their own pace. `--uploads`: callers that send one recording after the other. `--knocks`:
callers that ask for a session again and again, where there is no room for them. Whoever is refused comes again as soon
as `Retry-After` lets them. They say `ready` on standard output and begin when a line comes on standard input, so that
their start disturbs nobody; then comes `open`, when all sessions are, and at the end what the callers met, as JSON
(`Traffic`).
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any

from benchmarks.calls import Answer, Knock, knock, upload
from benchmarks.clips import clips
from benchmarks.serving import SAMPLE
from benchmarks.sessions import stream
from benchmarks.webm import LoopedRecording

WARM_UP = 4.0
"""Seconds of media of each session whose delays do not count."""
_LOOP_SECONDS = 8.0
_MAX_DELAY = 1.0


@dataclass(slots=True)
class Traffic:
    """What all callers together met."""

    sessions: list[str] = field(default_factory=list)
    """How each live session ended: `ok`, or the code of the error."""
    delays: list[float] = field(default_factory=list)
    """Of their measurements after the warm-up, in seconds."""
    measurements: list[int] = field(default_factory=list)
    """Of each."""
    dropped: int = 0
    """Pictures of all of them."""
    knocks: list[Knock] = field(default_factory=list)
    uploads: list[Answer] = field(default_factory=list)
    """Without what they held."""


class Callers:
    """All kinds of callers of one service, for so many seconds."""

    def __init__(self, port: int, seconds: float, late: str) -> None:
        self._port = port
        self._seconds = seconds
        self._late = late
        self._clips = clips()
        self._recording = LoopedRecording(SAMPLE, _LOOP_SECONDS)
        self.found = Traffic()

    async def run(self, sessions: int, uploads: int, knocks: int) -> None:
        """All of them at once, until the time is over; uploads are given up then."""
        opened = [asyncio.Event() for _ in range(sessions)]
        end = asyncio.get_running_loop().time() + self._seconds
        async with asyncio.TaskGroup() as group:
            for number, event in enumerate(opened):
                group.create_task(self._stream(number, event))
            for number in range(uploads):
                group.create_task(_until(end, self._upload(number)))
            for number in range(knocks):
                group.create_task(_until(end, self._knock(number)))
            for event in opened:
                await event.wait()
            print("open", flush=True)

    async def _stream(self, number: int, opened: asyncio.Event) -> None:
        await asyncio.sleep(0.37 * number % 1.0)
        pieces = self._recording.pieces(self._seconds, 0)
        how = {"late": self._late, "max_delay": _MAX_DELAY}
        session = await stream(self._port, pieces, paced=True, warm_up=WARM_UP, opened=opened, **how)
        self.found.sessions.append(session.errors[-1] if session.errors else "ok")
        self.found.delays += session.delays
        self.found.measurements.append(session.measurements)
        if session.summary is not None:
            self.found.dropped += sum(session.summary["media"]["dropped"].values())

    async def _upload(self, number: int) -> None:
        await asyncio.sleep(0.23 * number % 1.0)
        turn = number % len(self._clips)
        for clip in cycle(self._clips[turn:] + self._clips[:turn]):
            answer = await upload(self._port, clip)
            answer.body.clear()
            self.found.uploads.append(answer)
            await asyncio.sleep(answer.retry_after or 0)

    async def _knock(self, number: int) -> None:
        await asyncio.sleep(0.17 * number % 1.0)
        while True:
            knocked = await knock(self._port)
            self.found.knocks.append(knocked)
            await asyncio.sleep(knocked.retry_after or 0)


async def _until(end: float, work: Coroutine[Any, Any, None]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout_at(end):
            await work


def main() -> None:
    """Run them and tell."""
    parser = argparse.ArgumentParser(description="Callers of a running service.")
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--late", choices=("drop", "wait"), default="drop", help="what sessions ask for")
    for name in ("sessions", "uploads", "knocks"):
        parser.add_argument(f"--{name}", type=int, default=0)
    arguments = parser.parse_args()
    callers = Callers(arguments.port, arguments.seconds, arguments.late)
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(callers.run(arguments.sessions, arguments.uploads, arguments.knocks))
    print(json.dumps(asdict(callers.found)))


if __name__ == "__main__":
    main()
