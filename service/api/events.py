"""Server-sent events of an analysis: `progress`, then `result` or `error`.

The response starts with the first thing there is to say, which may be while the upload still arrives. An analysis that
fails before that is answered with its own status instead; after it, with an `error` event that holds the same problem
details.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from service.api.pipeline import Progress
from service.api.problems import problem
from service.errors import AttuneError

PROGRESS_SECONDS: Final = 0.25
"""Least time between two progress events."""
KEEP_ALIVE_SECONDS: Final = 5.0
"""Silence after which a comment is sent, so that nothing between takes the connection for dead."""


class EventStream(Response):
    """Runs an analysis and tells of it while it runs."""

    media_type = "text/event-stream"

    def __init__(self, run: Callable[[Progress], Awaitable[bytes]]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._run = run
        self._news = asyncio.Event()
        self._quiet_until = 0.0
        self._seconds, self._people = 0.0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises the error of an analysis that fails before anything was sent."""
        del scope, receive
        task = asyncio.ensure_future(self._run(self._progress))
        task.add_done_callback(lambda _: self._news.set())
        started = False

        async def write(text: bytes, *, more: bool = True) -> None:
            nonlocal started
            if not started:
                started = True
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": text, "more_body": more})

        try:
            while text := await self._next(task):
                await write(text)
            await write(_event("result", await task), more=False)
        except ClientDisconnect:
            return
        except AttuneError as error:
            if not started:
                raise
            await write(_event("error", problem(error).model_dump_json().encode()), more=False)
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _next(self, task: asyncio.Future[bytes]) -> bytes:
        """What to say next; nothing once the analysis has ended."""
        await asyncio.wait((task,), timeout=max(0.0, self._quiet_until - time.monotonic()))
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return b": still working\n\n"
        if task.done():
            return b""
        self._news.clear()
        self._quiet_until = time.monotonic() + PROGRESS_SECONDS
        return _event("progress", json.dumps({"seconds": self._seconds, "people": self._people}).encode())

    def _progress(self, seconds: float, people: int) -> None:
        self._seconds, self._people = seconds, people
        self._news.set()


def _event(name: str, data: bytes) -> bytes:
    """One event; `data` is JSON on one line."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), data)
