"""How late the event loop is."""

import asyncio
import time

from service.api.loop_lag import PERIOD, watch

BLOCKED = 0.2


def test_what_holds_the_loop_up_is_seen_once_and_in_its_whole_length() -> None:
    async def work() -> list[float]:
        lags: list[float] = []
        watching = asyncio.create_task(watch(lags.append))
        await asyncio.sleep(5 * PERIOD)
        time.sleep(BLOCKED)  # noqa: ASYNC251 - which is what nobody should do
        await asyncio.sleep(5 * PERIOD)
        watching.cancel()
        return lags

    lags = asyncio.run(work())
    assert min(lags) >= 0.0
    assert max(lags) >= BLOCKED - PERIOD
