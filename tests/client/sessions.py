"""Whole sessions against fake servers."""

import asyncio
import random
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

from client.fake import FakeServer

from service.client import Event, Session, SessionUpdate, connect
from service.protocol.messages import SessionSummary
from service.representation import Label

PATIENCE = 60.0
"""Seconds that a test waits for anything before it fails."""

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, within a bounded time."""

    async def bounded() -> T:
        async with asyncio.timeout(PATIENCE):
            return await work

    return asyncio.run(bounded())


@dataclass
class Outcome:
    """All that a caller got."""

    events: list[Event] = field(default_factory=list)
    summary: SessionSummary | None = None
    attention: dict[int, dict[Label, list[float]]] = field(default_factory=dict)


def recording(size: int = 3000, seed: int = 0) -> bytes:
    """Bytes in which no two places are alike."""
    return random.Random(seed).randbytes(size)  # noqa: S311


async def stream(
    servers: Sequence[FakeServer], media: bytes | Sequence[bytes], *, cut: int = 333, **options: Any
) -> Outcome:
    """Stream a recording in chunks of `cut` bytes, or a list of pictures, and take everything that comes back."""
    frames = not isinstance(media, bytes)
    outcome = Outcome()
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.running())
        config = SessionUpdate(input="frames" if frames else "container")
        session = await stack.enter_async_context(connect([server.url for server in servers], config, **options))

        async def feed() -> None:
            if isinstance(media, bytes):
                for at in range(0, len(media), cut):
                    await session.send(media[at : at + cut])
            else:
                for number, picture in enumerate(media):
                    await session.send_picture(picture, number / 25)
            outcome.summary = await session.close()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed())
            tasks.create_task(take(session, outcome.events))
        assert outcome.summary is not None
        outcome.attention = {one.id: session.attention(one.id) for one in outcome.summary.people}
    return outcome


async def take(session: Session, events: list[Event]) -> None:
    """Take every message to the last."""
    async for event in session:
        events.append(event)
