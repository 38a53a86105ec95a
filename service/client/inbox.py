"""Messages that were received and not yet taken."""

import asyncio
from collections import deque

from service.protocol.messages import (
    ErrorMessage,
    FramesDropped,
    Measurement,
    SessionSummary,
    UtteranceEnd,
    UtteranceStart,
)

Event = Measurement | UtteranceStart | UtteranceEnd | FramesDropped | ErrorMessage | SessionSummary
"""What a session hands out. An `ErrorMessage` is one that the session survives; a fatal one is raised."""

SIZE = 10_000
"""Messages kept: more than six minutes of one person."""


class Inbox:
    """A queue with an end.

    Once somebody takes from it, it has room for `SIZE` messages and makes the receiver wait while it is full. Until
    then it keeps the latest `SIZE`, so that a caller who only wants the summary need take nothing.
    """

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._waited_for = True
        self._is_read = False
        self._lost = 0
        self._ended = False
        self._failure: Exception | None = None

    def lift(self) -> None:
        """Never make the receiver wait again: what is still to come is bounded by other means."""
        self._waited_for = False
        self._taken.set()

    async def put(self, event: Event) -> None:
        """Add a message, when there is room."""
        while len(self._events) >= SIZE and self._is_read and self._waited_for:
            self._taken.clear()
            await self._taken.wait()
        if len(self._events) >= SIZE and not self._is_read:
            self._events.popleft()
            self._lost += 1
        self._events.append(event)
        self._changed.set()

    def finish(self, failure: Exception | None) -> None:
        """Nothing more will come; `failure` is raised once everything has been taken."""
        self._ended, self._failure = True, failure
        self._changed.set()

    async def take(self) -> Event | None:
        """The next message; None after the last one. Raises the failure, or RuntimeError where messages were dropped
        before anybody took one."""
        self._is_read = True
        if self._lost:
            raise RuntimeError(f"{self._lost} messages were dropped because nobody took them: iterate while sending")
        while not self._events:
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                return None
            self._changed.clear()
            await self._changed.wait()
        event = self._events.popleft()
        self._taken.set()
        return event
