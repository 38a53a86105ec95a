"""A server that vanishes without a word: no closing, no reset, nothing."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from client.fake import FakeServer, Fault
from client.sessions import recording, run, stream, take

from service.client import Event, connect, link
from service.protocol.messages import Measurement

MEDIA = recording()


@asynccontextmanager
async def cable(port: int, length: int) -> AsyncIterator[str]:
    """A way to a server that is cut, unnoticed by either end, once so many bytes have come back on it."""
    ends: list[asyncio.StreamWriter] = []
    cut = asyncio.Event()
    mended = asyncio.Event()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: float) -> None:
        while data := await reader.read(4096):
            most -= len(data)
            if most <= 0:
                cut.set()
            if cut.is_set():
                await mended.wait()
            writer.write(data)

    async def lay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        ends.extend((writer, back))
        with suppress(ConnectionError):
            await asyncio.gather(carry(reader, back, math.inf), carry(there, writer, length))

    async with await asyncio.start_server(lay, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert cut.is_set()
        mended.set()
        for end in ends:
            end.transport.abort()
        await asyncio.sleep(0.05)


def test_a_server_that_has_vanished_is_noticed_and_another_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_SILENCE", 0.3)

    async def vanishing() -> list[Event]:
        events: list[Event] = []
        async with (
            FakeServer().running() as first,
            FakeServer().running() as second,
            cable(int(first.url.rsplit(":", 1)[1]), 20_000) as url,
            connect([url, second.url]) as session,
        ):
            await session.send(MEDIA)
            closing = asyncio.create_task(session.close())
            await take(session, events)
            await closing
        assert second.openings == ["session.resume"]
        return events

    assert run(vanishing()) == run(stream([FakeServer()], MEDIA)).events


def test_a_server_that_is_slow_to_read_but_lives_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "_SILENCE", 0.5)
    server = FakeServer([Fault(dozes=1.5)])
    outcome = run(stream([server], [recording(20, number) for number in range(60)]))
    assert len({one.time for one in outcome.events if isinstance(one, Measurement)}) == 60
    assert server.openings == ["session.update"]
