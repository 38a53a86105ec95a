"""How a service leaves: at first it is only not ready any more, then it listens no longer, then it is gone."""

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NoReturn

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import Draining
from service.settings import Settings

_LOG = logging.getLogger(__name__)

FIRST_REQUEST_SECONDS: Final = 1.0
"""How long a connection that was made in time may take for its first request."""


class Phase(StrEnum):
    """How far a service has got with leaving. It never goes back."""

    SERVING = "serving"
    LEAVING = "leaving"
    """It is not ready. Else it works as ever, so that whoever balances the load has time to notice."""
    CLOSED = "closed"
    """It listens no longer. Running analyses go on, live sessions up to their next checkpoint."""
    OVER = "over"
    """Whatever still runs is ended."""


class Drain:
    """Where a service stands between serving and gone. For use from one event loop; times are in seconds."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._delay = settings.drain_delay
        self._grace = settings.shutdown_grace
        self._session_grace = min(settings.session_grace, settings.shutdown_grace)
        self._clock = clock
        self._since = 0.0
        """When the phase began."""
        self.phase = Phase.SERVING
        self.closed = asyncio.Event()
        """Set from `CLOSED` on."""
        self.over = asyncio.Event()
        """Set once `OVER`."""

    def begin(self) -> None:
        """Stop being ready. Does nothing where that has begun."""
        if self.phase is Phase.SERVING:
            self._enter(Phase.LEAVING)

    def close(self) -> None:
        """To be called when nothing listens any more."""
        if self.phase in (Phase.SERVING, Phase.LEAVING):
            self._enter(Phase.CLOSED)
            self.closed.set()

    def end(self) -> None:
        """End what still runs, in whatever phase."""
        if self.phase is not Phase.OVER:
            self._enter(Phase.OVER)
            self.closed.set()
            self.over.set()

    @property
    def has_begun(self) -> bool:
        """Whether the service is on its way out."""
        return self.phase is not Phase.SERVING

    @property
    def may_close(self) -> bool:
        """Whether it is time to listen no longer."""
        if self.phase is Phase.LEAVING:
            return self._elapsed() >= self._delay
        return self.has_begun

    @property
    def refuses_work(self) -> bool:
        """Whether new work is refused; not yet where its connection may have been made in time."""
        return self.phase is Phase.OVER or (self.phase is Phase.CLOSED and self._elapsed() >= FIRST_REQUEST_SECONDS)

    @property
    def grace_left(self) -> float:
        """What is left for running analyses once the service is closed."""
        return max(0.0, self._grace - self._elapsed()) if self.phase is Phase.CLOSED else 0.0

    @property
    def session_grace_left(self) -> float:
        """What is left for live sessions once the service is closed."""
        return max(0.0, self._session_grace - self._elapsed()) if self.phase is Phase.CLOSED else 0.0

    async def until_over(self) -> NoReturn:
        """Raises `Draining` when what still runs has to end."""
        await self.over.wait()
        raise Draining("The service stopped before this was done; another one can do it.")

    def _enter(self, phase: Phase) -> None:
        _LOG.info("drain: %s", phase.value)
        self.phase = phase
        self._since = self._clock()

    def _elapsed(self) -> float:
        return self._clock() - self._since


class LastAnswers:
    """ASGI middleware: from the beginning of the drain on, every answer is the last one of its connection.

    So those who keep connections, as balancers do, have none left on which they would send one more request just when
    it is closed.
    """

    def __init__(self, app: ASGIApp, *, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drain.has_begun:
                headers = MutableHeaders(raw=list(message.get("headers", [])))
                headers["connection"] = "close"
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, answer if scope["type"] == "http" else send)
