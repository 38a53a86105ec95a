"""Pools of real decoding processes, and sessions in them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from service.domain import Step
from service.workers import DurableSession, WorkerPool, WorkerSettings

PATIENCE = 180.0
SETTINGS = WorkerSettings(hang_seconds=PATIENCE, memory_bytes=8 * 2**30)
T = TypeVar("T")


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end, within `PATIENCE`."""
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


async def eventually(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; `finish` bounds the wait."""
    while not condition():  # noqa: ASYNC110  (what it waits for happens in another process)
        await asyncio.sleep(0.02)


@asynccontextmanager
async def pool_of(size: int, settings: WorkerSettings = SETTINGS) -> AsyncIterator[WorkerPool]:
    """A pool whose processes are all ready."""
    pool = WorkerPool(size, settings)
    await pool.start()
    try:
        await eventually(lambda: len(pool.pids) == size)
        yield pool
    finally:
        await pool.close()


async def decode(session: DurableSession, data: bytes) -> list[Step]:
    """Feed `data` and collect every step."""

    async def feed() -> None:
        await session.send(data)
        await session.end()

    feeding = asyncio.create_task(feed())
    try:
        return [step async for steps in session if isinstance(steps, list) for step in steps]
    finally:
        await feeding
