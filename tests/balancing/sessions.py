"""Live sessions through a balancer, of which many go on at one pace."""

import asyncio
import time

from balancing.recordings import Recording
from live.outcomes import Outcome, outcome_of

from service.client import SessionUpdate, connect


class Pace:
    """Holds a session's media back: so many seconds of media in a second, and the end not before `release`."""

    def __init__(self, speed: float, hold_at: float) -> None:
        """`hold_at`: media time at which everybody waits for the release."""
        self._speed = speed
        self._hold_at = hold_at
        self._began = time.monotonic()
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let the rest be sent at once."""
        self._released.set()

    async def come_to(self, media_time: float) -> None:
        """Return when media of this time may be sent."""
        due = None if media_time >= self._hold_at else self._began + media_time / self._speed - time.monotonic()
        try:
            await asyncio.wait_for(self._released.wait(), due)
        except TimeoutError:
            return


async def play(url: str, recording: Recording, pace: Pace | None = None) -> Outcome:
    """One session with this recording, at full speed without a pace. Any error that it ends with is raised."""
    async with connect(url, SessionUpdate(input="frames")) as session:
        return await outcome_of(session, recording.sent, None if pace is None else pace.come_to)
