"""A model that has failed is tried by itself, without callers, until it works again."""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn

from service.engine import Engine, Fate, Model

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0
"""Seconds between two tries, which double from the first to the longest."""


class ModelWatch:
    """Probes an engine that does not work. For use from one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lost = asyncio.Event()

    async def run(self, on_failure: Callable[[Model, Fate], None]) -> NoReturn:
        """Watch until cancelled; `on_failure` is told, in any thread, of each call whose run failed."""
        loop = asyncio.get_running_loop()

        def notice(model: Model, fate: Fate) -> None:
            on_failure(model, fate)
            if fate == "refused":
                loop.call_soon_threadsafe(self._lost.set)

        self._engine.on_failure = notice
        while True:
            await self._lost.wait()
            self._lost.clear()
            pause = FIRST_PAUSE
            while not self._engine.works:
                await asyncio.sleep(pause)
                await asyncio.to_thread(self._engine.probe)
                pause = min(2 * pause, LONGEST_PAUSE)
