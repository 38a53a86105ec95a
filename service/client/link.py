"""One WebSocket connection, its messages typed and its failures sorted into those that pass and those that stay."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from pydantic import ValidationError
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, ProxyError
from websockets.exceptions import InvalidMessage as NoAnswer
from websockets.typing import Subprotocol

from service.client.errors import ELSEWHERE, TRANSIENT, ConnectionFailed, Lost, error_of, refusal_of
from service.errors import InvalidMessage
from service.protocol.messages import SERVER_MESSAGES, SUBPROTOCOL, ErrorMessage, ServerMessage

_LARGEST = 16 << 20
"""Bytes of a message of the server: a token of many people is the largest."""

_SILENCE = 45.0
"""Seconds without a byte from the server, after which it counts as gone: it sends pings at least every 20 s.
Answers to pings of ours have no deadline, since they wait in line behind the media that it has not read yet."""

_FINAL = frozenset({1002, 1003, 1007, 1008, 1009, 1010})
"""Closing codes that another connection would meet again."""


class _Connection(ClientConnection):
    """Knows when it last heard anything, pings included."""

    heard = 0.0
    """On the monotonic clock."""

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        super().data_received(data)


class Link:
    """Messages in both directions."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def send(self, message: str | bytes) -> bool:
        """Send one message; whether the connection still stood. Why it does not, `receive` says."""
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            return False
        return True

    async def receive(self) -> ServerMessage:
        """The next message that is no fatal error.

        Raises `Lost` where another connection may mend it, else the error that ends the session.
        """
        data = await self._heard()
        try:
            message = SERVER_MESSAGES.validate_json(data)
        except ValidationError as error:
            raise InvalidMessage("The server sent a message that is not one of attune.v1.") from error
        if isinstance(message, ErrorMessage) and message.fatal:
            failure = error_of(message)
            raise Lost(failure) if message.code in TRANSIENT | ELSEWHERE else failure
        return message

    async def _heard(self) -> str | bytes:
        waiting = time.monotonic()
        while True:
            quiet = time.monotonic() - max(waiting, self._connection.heard)
            if quiet >= _SILENCE:
                raise Lost(ConnectionFailed(f"Nothing was heard from the server for {quiet:.0f} s."))
            try:
                async with asyncio.timeout(_SILENCE - quiet):
                    return await self._connection.recv()
            except ConnectionClosed as closed:
                raise _lost(closed) from closed
            except TimeoutError:
                continue


@asynccontextmanager
async def connected(url: str, key: str | None, *, open_timeout: float) -> AsyncIterator[Link]:
    """A connection, closed at the end of the block. Raises `Lost`, or the error that a server refuses with for good."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    opening = open_socket(
        url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        additional_headers=headers,
        compression=None,  # media and tokens are compressed already
        max_size=_LARGEST,
        open_timeout=open_timeout,
        ping_timeout=None,
        close_timeout=3.0,
        create_connection=_Connection,
    )
    try:
        connection = cast(_Connection, await opening)
    except InvalidStatus as refused:
        raise refusal_of(refused) from refused
    except (OSError, NoAnswer, ProxyError) as error:  # a time-out is an OSError
        raise Lost(ConnectionFailed(f"{url} cannot be reached: {str(error) or 'no answer'}.")) from error
    except (InvalidHandshake, InvalidProxy) as error:
        raise ConnectionFailed(f"{url} does not speak {SUBPROTOCOL}: {error}.") from error
    try:
        if connection.subprotocol != SUBPROTOCOL:
            raise ConnectionFailed(f"{url} does not speak {SUBPROTOCOL}.")
        yield Link(connection)
    except Lost:
        connection.transport.abort()  # a server that is of no more use may take long to say goodbye
        raise
    finally:
        await connection.close()


def _lost(closed: ConnectionClosed) -> ConnectionFailed | Lost:
    if closed.rcvd is None:
        return Lost(ConnectionFailed("The connection was lost."))
    error = ConnectionFailed(
        f"The server closed the connection: {closed.rcvd.code} {closed.rcvd.reason}".rstrip() + "."
    )
    return error if closed.rcvd.code in _FINAL else Lost(error)
