"""Callers of a running service, in a process of their own, so that they do not wait for whoever measures it.

    python -m benchmarks.traffic PORT SECONDS [--sessions N] [--uploads N] [--knock-sessions N] [--knock-uploads N]

`--sessions`: live sessions at their own pace. `--uploads`: callers that send one recording after the other.
`--knock-…`: callers for whom there is no room; each comes again as soon as `Retry-After` lets it. When all sessions are
open a line `open` goes to standard output, and at the end what was measured, as JSON.
"""

import argparse
import asyncio
import json
import time
from dataclasses import asdict, dataclass, field
from itertools import cycle

from benchmarks.calls import Answer, Refusal, knock, upload
from benchmarks.clips import clips
from benchmarks.serving import SAMPLE
from benchmarks.sessions import Session, stream
from benchmarks.webm import LoopedRecording

WARM_UP = 4.0
"""Seconds of media of each session whose delays do not count."""
_LOOP_SECONDS = 8.0


@dataclass(slots=True)
class Traffic:
    """What all callers together met."""

    delays: list[float] = field(default_factory=list)
    """Of live sessions after their warm-up, in seconds."""
    sessions: dict[str, int] = field(default_factory=dict)
    """Sessions by how they ended: `ok`, or the code of the error."""
    dropped: int = 0
    """Pictures."""
    uploads: dict[str, int] = field(default_factory=dict)
    """Uploads of admitted callers by what they were answered: `200`, or status and code."""
    media_seconds: float = 0.0
    """Of recordings that were analysed."""
    refused_sessions: list[Refusal] = field(default_factory=list)
    refused_uploads: list[Answer] = field(default_factory=list)


class Callers:
    """All kinds of callers of one service, for so many seconds."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._clips = clips()
        self.found = Traffic()

    async def run(self, sessions: int, uploads: int, knock_sessions: int, knock_uploads: int) -> None:
        """All of them at once, until the time is over."""
        recording = LoopedRecording(SAMPLE, _LOOP_SECONDS)
        opened = [asyncio.Event() for _ in range(sessions)]
        self._end = time.monotonic() + self._seconds
        async with asyncio.TaskGroup() as group:
            for number, event in enumerate(opened):
                group.create_task(self._stream(recording, number, event))
            for number in range(uploads):
                group.create_task(self._upload(number))
            for number in range(knock_sessions):
                group.create_task(self._knock(number))
            for number in range(knock_uploads):
                group.create_task(self._knock_with_media(number))
            for event in opened:
                await event.wait()
            print("open", flush=True)

    async def _stream(self, recording: LoopedRecording, number: int, opened: asyncio.Event) -> None:
        await asyncio.sleep(0.37 * number % 1.0)
        pieces = recording.pieces(self._seconds, 0)
        session = await stream(
            self._port, pieces, paced=True, warm_up=WARM_UP, opened=opened, late="drop", max_delay=1.0
        )
        self._note(session)

    def _note(self, session: Session) -> None:
        self.found.delays += session.delays
        _count(self.found.sessions, session.errors[-1] if session.errors else "ok")
        if session.summary is not None:
            self.found.dropped += sum(session.summary["media"]["dropped"].values())

    async def _upload(self, number: int) -> None:
        turn = number % len(self._clips)
        for clip in cycle(self._clips[turn:] + self._clips[:turn]):
            answer = await upload(self._port, clip)
            if time.monotonic() >= self._end:
                return
            _count(self.found.uploads, "ok" if answer.status == 200 else answer.body["code"])
            if answer.status == 200:
                self.found.media_seconds += answer.body["media"]["duration"]

    async def _knock(self, number: int) -> None:
        await asyncio.sleep(0.17 * number % 1.0)
        while time.monotonic() < self._end:
            refusal = await knock(self._port)
            self.found.refused_sessions.append(refusal)
            await asyncio.sleep(refusal.retry_after or 1.0)

    async def _knock_with_media(self, number: int) -> None:
        await asyncio.sleep(0.23 * number % 1.0)
        clip = self._clips[number % len(self._clips)]
        while time.monotonic() < self._end:
            answer = await upload(self._port, clip)
            self.found.refused_uploads.append(answer)
            await asyncio.sleep(float(answer.retry_after or 1.0))


def _count(outcomes: dict[str, int], outcome: str) -> None:
    outcomes[outcome] = outcomes.get(outcome, 0) + 1


def main() -> None:
    """Run them and tell."""
    parser = argparse.ArgumentParser(description="Callers of a running service.")
    parser.add_argument("port", type=int)
    parser.add_argument("seconds", type=float)
    for name in ("sessions", "uploads", "knock-sessions", "knock-uploads"):
        parser.add_argument(f"--{name}", type=int, default=0)
    arguments = parser.parse_args()
    callers = Callers(arguments.port, arguments.seconds)
    asyncio.run(callers.run(arguments.sessions, arguments.uploads, arguments.knock_sessions, arguments.knock_uploads))
    print(json.dumps(asdict(callers.found)))


if __name__ == "__main__":
    main()
