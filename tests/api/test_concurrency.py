"""Work beside its guards."""

import asyncio
from typing import NoReturn

import pytest

from service.api.concurrency import guarded


async def never() -> NoReturn:
    await asyncio.Event().wait()
    raise AssertionError


async def fail() -> NoReturn:
    raise ValueError("the guard")


def test_the_result_of_work_that_ends_first_is_given_and_the_guards_are_ended() -> None:
    ended = []

    async def guard() -> NoReturn:
        try:
            await never()
        finally:
            ended.append(True)

    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert asyncio.run(guarded(work(), guard(), never())) == 7
    assert ended == [True]


def test_what_a_guard_raises_ends_the_work() -> None:
    with pytest.raises(ValueError, match="the guard"):
        asyncio.run(guarded(never(), never(), fail()))


def test_work_that_ends_together_with_a_guard_has_ended() -> None:
    async def work() -> int:
        return 7

    assert asyncio.run(guarded(work(), fail())) == 7


def test_whoever_is_cancelled_leaves_nothing_running() -> None:
    async def run() -> None:
        task = asyncio.create_task(guarded(never(), never()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
