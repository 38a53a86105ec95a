"""Work beside others that watch over it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


async def guarded(work: Coroutine[Any, Any, T], *guards: Coroutine[Any, Any, NoReturn]) -> T:
    """The result of `work`, run beside `guards`, which can only fail. Raises what the first of them to fail raises.

    Whatever still runs then is cancelled, and has ended, when this returns.
    """
    tasks = [asyncio.ensure_future(coroutine) for coroutine in (work, *guards)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if tasks[0] in done:
        return tasks[0].result()
    for guard in done:
        guard.result()
    raise AssertionError("a guard ended without a failure")
