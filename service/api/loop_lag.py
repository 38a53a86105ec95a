"""How late the event loop gets to what is due: everybody's messages wait for as long."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, NoReturn

PERIOD: Final = 0.02
"""Seconds between two looks. Whatever holds the loop up for longer than this is seen."""


async def watch(observe: Callable[[float], None]) -> NoReturn:
    """Tell of every `PERIOD` by how many seconds it came late, until cancelled.

    A loop is late while one of its own callbacks runs, while another thread has the interpreter, and while the machine
    has no core for it.
    """
    while True:
        due = time.monotonic() + PERIOD
        await asyncio.sleep(PERIOD)
        observe(max(0.0, time.monotonic() - due))
