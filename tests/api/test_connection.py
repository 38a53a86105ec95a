"""What a session's connection waits for, and how long."""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import cast

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from service.api.stream import connection as module
from service.api.stream.connection import ClientLeft, Connection
from service.errors import MAX_DETAIL, IdleTimeout, InvalidMessage
from service.settings import Settings

KEEPALIVE: Message = {"type": "websocket.receive", "text": '{"type": "keepalive"}'}
MEDIA: Message = {"type": "websocket.receive", "bytes": b"media"}
GOODBYE: Message = {"type": "websocket.disconnect"}


class Script:
    """A WebSocket of which each message comes a tenth of a second after the last was read."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages: Iterator[Message] = iter(messages)

    async def receive(self) -> Message:
        await asyncio.sleep(0.1)
        return next(self._messages)


async def read(messages: Iterable[Message], settings: Settings) -> None:
    """Receive until something is raised."""
    connection = Connection(cast(WebSocket, Script(messages)), settings)
    while True:
        await connection.receive()


def test_before_the_first_media_keepalives_do_not_hold_a_session_open() -> None:
    with pytest.raises(IdleTimeout, match="media"):
        asyncio.run(read(chain(repeat(KEEPALIVE, 50), [GOODBYE]), Settings(idle_timeout=1, media_timeout=60)))


def test_keepalives_hold_a_session_without_media_open_for_so_long_and_no_longer() -> None:
    asked = chain([MEDIA], repeat(KEEPALIVE, 50), [GOODBYE])
    with pytest.raises(IdleTimeout, match="media"):
        asyncio.run(read(asked, Settings(idle_timeout=60, media_timeout=1)))
    paused = chain([MEDIA], repeat(KEEPALIVE, 15), [GOODBYE])
    with pytest.raises(ClientLeft):
        asyncio.run(read(paused, Settings(idle_timeout=1, media_timeout=60)))


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "keepalive", ' + ", ".join(f'"{number}": 1' for number in range(400_000)) + "}",
        '{"type": "session.update", "interval": [' + "0," * 2_000_000 + "0]}",
    ],
)
def test_a_message_of_very_many_fields_is_refused_without_looking_at_each(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLIENT_MESSAGES", None)
    with pytest.raises(InvalidMessage, match="more fields"):
        asyncio.run(read([{"type": "websocket.receive", "text": text}], Settings()))


@pytest.mark.parametrize("text", ['{"type": "%s"}', '{"type": "keepalive", "%s": 1}'])
def test_what_is_quoted_of_a_message_is_short(text: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        asyncio.run(read([{"type": "websocket.receive", "text": text % ("x" * 2**22)}], Settings()))
    assert len(refused.value.detail) <= MAX_DETAIL


def test_media_begins_the_time_anew() -> None:
    with pytest.raises(ClientLeft):
        asyncio.run(read(chain(repeat(MEDIA, 15), [GOODBYE]), Settings(idle_timeout=60, media_timeout=1)))
