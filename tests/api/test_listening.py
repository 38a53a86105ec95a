"""A listening socket that closes cuts nobody off."""

import asyncio
import errno
import os
import resource
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest
import uvloop
from api.harness import PATIENCE

from service.api.listening import stop_listening

_LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]


class _Answering(asyncio.Protocol):
    """Answers whatever comes, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by name

    def data_received(self, data: bytes) -> None:
        self._transport.write(b"answer to " + data)
        self._transport.close()


async def _listen() -> tuple[asyncio.Server, int]:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def _ask(port: int, count: int) -> list[socket.socket]:
    """Connections that stand and have sent their request, whether or not the server has accepted them."""
    connections = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(count)]
    for connection in connections:
        connection.sendall(b"a request")
    return connections


@pytest.mark.parametrize("loop", _LOOPS, ids=["asyncio", "uvloop"])
def test_whoever_connected_before_it_closed_is_answered(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def close_with_a_full_queue() -> list[bytes]:
        server, port = await _listen()
        connections = _ask(port, 50)  # the loop stands still, so none of them is accepted yet
        await stop_listening([server], _Answering)
        return [await asyncio.to_thread(_read, connection) for connection in connections]

    with asyncio.Runner(loop_factory=loop) as runner:
        answers = runner.run(close_with_a_full_queue())
    assert answers == [b"answer to a request"] * 50


@pytest.mark.parametrize("loop", _LOOPS, ids=["asyncio", "uvloop"])
def test_whoever_comes_while_it_closes_is_refused_and_not_reset(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def come_while_it_closes() -> int:
        server, port = await _listen()
        closing = asyncio.create_task(stop_listening([server], _Answering))
        await asyncio.sleep(0)  # it has begun
        with socket.socket() as late:
            late.setblocking(False)
            assert late.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS
            await closing
            await asyncio.to_thread(select.select, [], [late], [], PATIENCE)
            return late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(come_while_it_closes()) == errno.ECONNREFUSED


@pytest.mark.parametrize("loop", _LOOPS, ids=["asyncio", "uvloop"])
def test_whoever_completes_a_connection_while_it_closes_is_answered(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def complete_while_it_closes() -> bytes:
        server, port = await _listen()
        closing = asyncio.create_task(stop_listening([server], _Answering))
        await asyncio.sleep(0)
        with socket.socket() as late:
            # Passed in as a neighbour, it stands like one that had begun before; then it is as far off as anybody.
            late.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
            late.settimeout(PATIENCE)
            late.connect(("127.0.0.1", port))
            late.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64)
            late.sendall(b"a request")
            await closing
            return await asyncio.to_thread(_read, late)

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(complete_while_it_closes()) == b"answer to a request"


def test_whoever_comes_after_it_closed_is_refused_at_once() -> None:
    async def come_afterwards() -> int:
        server, port = await _listen()
        await stop_listening([server], _Answering)
        with socket.socket() as late:
            return late.connect_ex(("127.0.0.1", port))

    assert asyncio.run(come_afterwards()) == errno.ECONNREFUSED


def test_a_connection_goes_on_after_its_listening_socket_closed() -> None:
    async def talk_afterwards() -> bytes:
        server, port = await _listen()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await stop_listening([server], _Answering)
        writer.write(b"late words")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    assert asyncio.run(talk_afterwards()) == b"answer to late words"


@contextmanager
def _no_more_descriptors() -> Iterator[None]:
    """The process has as many descriptors as it may have."""
    lowest = os.dup(0)
    os.close(lowest)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("from_the_beginning", [True, False], ids=["copying", "accepting"])
@pytest.mark.parametrize("loop", _LOOPS, ids=["asyncio", "uvloop"])
def test_it_closes_and_says_so_where_the_process_may_open_no_more_descriptors(
    loop: Callable[[], asyncio.AbstractEventLoop], from_the_beginning: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def close_without_descriptors() -> int:
        server, port = await _listen()
        waiting = _ask(port, 3)
        with socket.socket() as late:
            if from_the_beginning:
                with _no_more_descriptors():
                    await stop_listening([server], _Answering)
            else:
                closing = asyncio.create_task(stop_listening([server], _Answering))
                await asyncio.sleep(0)
                with _no_more_descriptors():
                    await closing
            for connection in waiting:
                connection.close()
            return late.connect_ex(("127.0.0.1", port))

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(close_without_descriptors()) == errno.ECONNREFUSED
    assert os.strerror(errno.EMFILE) in caplog.text


def _read(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection; a reset raises."""
    with connection:
        answer = b""
        while data := connection.recv(4096):
            answer += data
    return answer
