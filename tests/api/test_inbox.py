"""Media that waits: in order, with its times, and never more than there is room for."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from service.api.stream.inbox import OVERHEAD, Inbox

PATIENCE = 60.0


@given(st.lists(st.binary(max_size=20), max_size=20), st.integers(0, 30 + 9 * OVERHEAD))
def test_everything_comes_out_in_order_and_the_bound_holds(messages: list[bytes], room: int) -> None:
    async def work() -> None:
        inbox = Inbox(room)
        inside = 0

        async def bring() -> None:
            nonlocal inside
            for number, message in enumerate(messages):
                await inbox.put(message, float(number))
                inside += len(message) + OVERHEAD
                assert inside <= max(room, len(message) + OVERHEAD)
            await inbox.put(None, -1.0)

        bringing = asyncio.create_task(bring())
        taken = []
        while (item := await inbox.get())[0] is not None:
            inside -= len(item[0] or b"") + OVERHEAD
            taken.append(item)
            await asyncio.sleep(0)
        await bringing
        assert taken == [(message, float(number)) for number, message in enumerate(messages)]

    asyncio.run(asyncio.wait_for(work(), PATIENCE))


def test_messages_without_content_take_room_too() -> None:
    async def work() -> None:
        inbox = Inbox(10 * OVERHEAD)
        for _ in range(10):
            await inbox.put(b"", 1.0)
        more = asyncio.create_task(inbox.put(b"", 2.0))
        await asyncio.sleep(0)
        assert not more.done()
        await inbox.get()
        await more

    asyncio.run(asyncio.wait_for(work(), PATIENCE))


def test_a_message_larger_than_the_room_waits_for_the_others_to_leave_and_is_taken() -> None:
    async def work() -> None:
        inbox = Inbox(10 + OVERHEAD)
        await inbox.put(b"first", 1.0)
        large = asyncio.create_task(inbox.put(bytes(100), 2.0))
        await asyncio.sleep(0)
        assert not large.done()
        assert await inbox.get() == (b"first", 1.0)
        await large
        assert await inbox.get() == (bytes(100), 2.0)

    asyncio.run(asyncio.wait_for(work(), PATIENCE))
