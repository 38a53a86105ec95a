"""Clients that would hold the server's memory, connections or attention: each is bounded, told, and let go."""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from api.harness import PATIENCE, Running, read_until, run, wait_until
from api.talking import Talk, talk
from websockets.exceptions import ConnectionClosed

from service.api import websocket
from service.protocol.messages import ErrorMessage, KeepAlive, Measurement, SessionCreated

TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9
KEEPALIVE = b'{"type":"keepalive"}'


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """One masked frame of a client (RFC 6455, section 5.2), short enough for a length of 7 or 16 bits."""
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return bytes([opcode | 0x80 * final]) + length + bytes(4) + payload


@contextmanager
def bare(running: Running) -> Iterator[socket.socket]:
    """A session on a bare connection with small buffers on both sides, so that little can wait unread in the kernel."""
    wait_for_no_session(running)
    listening = socket.socket(fileno=os.dup(running.server.servers[0].sockets[0].fileno()))
    with listening, socket.socket() as client:
        before = listening.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)  # connections inherit it
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", running.port))
        client.sendall(
            b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"Sec-WebSocket-Protocol: attune.v1\r\n\r\n"
        )
        read_until(client, b"session.created")
        yield client
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, before // 2)  # the kernel doubles what it is given
    wait_for_no_session(running)


def wait_for_no_session(running: Running) -> None:
    wait_until(lambda: running.service.sessions.active == 0)


def flood(client: socket.socket, data: bytes) -> None:
    """Send without reading until nothing more goes through for a moment, or the connection ends."""
    client.settimeout(0.5)
    try:
        for _ in range(2000):
            client.sendall(data * 100)
    except (TimeoutError, ConnectionError):
        pass
    finally:
        client.settimeout(PATIENCE)


def unsent(running: Running) -> int:
    """Bytes that wait in the server's memory for clients to read them."""
    sizes = []
    for connection in list(running.server.server_state.connections):
        transport: Any = getattr(connection, "transport", None)
        sizes.append(transport.get_write_buffer_size() if transport is not None else 0)
    return sum(sizes)


def test_a_client_that_does_not_read_its_results_is_told_and_closed(hasty: Running) -> None:
    slow = hasty.metric('attune_sessions_total{outcome="slow_client"}')
    with bare(hasty) as client:
        flood(client, frame(TEXT, KEEPALIVE))
        wait_until(lambda: hasty.metric('attune_sessions_total{outcome="slow_client"}') == slow + 1)
        assert unsent(hasty) < 2**18
        told = read_until(client, b'"code":"slow_client"')
        assert struct.pack("!H", 1008) in read_until(client, struct.pack("!H", 1008), told[-2:])


def test_a_client_that_does_not_read_does_not_hold_up_a_drain() -> None:
    with run(workers=1, session_grace=0.5, send_timeout=PATIENCE) as service, bare(service) as client:
        flood(client, frame(TEXT, KEEPALIVE))
        service.server.should_exit = True
        wait_until(lambda: service.service.sessions.active == 0)
        assert 'attune_sessions_total{outcome="draining"} 1.0' in service.service.metrics.text().decode()
        told = read_until(client, b'"code":"draining"')
        assert struct.pack("!H", 1012) in read_until(client, struct.pack("!H", 1012), told[-2:])


def test_a_client_that_is_sent_elsewhere_is_not_cut_off_while_it_still_sends() -> None:
    with run(workers=1, session_grace=0.2) as service, bare(service) as client:
        service.server.should_exit = True
        read_until(client, struct.pack("!H", 1012))
        wait_until(service.service.drain.over.is_set)
        time.sleep(0.5)  # in which uvicorn would close what is left
        for _ in range(3):
            client.sendall(frame(TEXT, KEEPALIVE))  # answered with a reset, what was said before might never be read
            time.sleep(0.1)


def test_pings_that_nobody_reads_the_answers_of_take_no_memory(hasty: Running) -> None:
    before = unsent(hasty)  # for those of other tests that are not cut off yet
    with bare(hasty) as client:
        flood(client, frame(PING, bytes(125)))
        # Some 25 MB of answers; what waits is bounded by the high-water mark of a transport (64 KiB) and the answers
        # to one read (256 KiB).
        assert unsent(hasty) - before <= 2**16 + 2**18


def test_a_client_that_neither_reads_nor_closes_is_cut_off(hasty: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "LINGER_SECONDS", 0.2)
    with bare(hasty) as client:
        flood(client, frame(TEXT, KEEPALIVE))
        # The one that asks for the metrics is another.
        wait_until(lambda: len(hasty.server.server_state.connections) <= 1)


@pytest.mark.parametrize(
    ("message", "code", "name"),
    [
        (b"This is not a film.\n" * 1000, 1003, "unsupported_media"),
        ('{"type": "session.resume", "token": ""}', 1008, "token_invalid"),
        (bytes(2**16 + 1), 1009, "message_too_large"),
        (bytes(2**20), 1009, None),  # of one far too large the server reads nothing
    ],
)
def test_a_client_that_never_stops_sending_still_hears_why_it_was_closed(
    hasty: Running, message: str | bytes, code: int, name: str | None
) -> None:
    def talk_on(session: Talk) -> None:
        with suppress(ConnectionClosed):
            while True:
                session.socket.send(message)

    for _ in range(5):
        wait_for_no_session(hasty)
        with talk(hasty) as session:
            talker = threading.Thread(target=talk_on, args=(session,))
            talker.start()
            assert session.hear_out() == code
            talker.join()
            assert name is None or session.failure().code == name


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_a_message_in_very_many_pieces_is_refused(hasty: Running, payload: bytes) -> None:
    with bare(hasty) as client:
        client.sendall(frame(BINARY, b"", final=False))
        flood(client, frame(CONTINUATION, payload, final=False))
        seen = b""
        with pytest.raises(ConnectionError):  # noqa: PT012
            while data := client.recv(65_536):
                seen += data
            raise ConnectionError
        assert struct.pack("!H", 1009) in seen


def test_a_message_in_a_few_pieces_is_one_message(hasty: Running) -> None:
    with talk(hasty) as session:
        assert isinstance(session.hear(), SessionCreated)
        session.socket.send(['{"type": ', '"keep', 'alive"}'])
        assert isinstance(session.hear(), KeepAlive)


def test_text_that_is_no_text_ends_the_session(hasty: Running) -> None:
    with bare(hasty) as client:
        client.sendall(frame(TEXT, b"\xff\xfe"))
        read_until(client, struct.pack("!H", 1007))


def test_a_connection_that_breaks_takes_its_session_along(hasty: Running, clip: bytes) -> None:
    with bare(hasty) as client:
        client.sendall(frame(BINARY, clip[:60_000]))
        read_until(client, b'"measurement"')
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no goodbye


def test_a_session_whose_process_dies_goes_on_and_its_client_notices_nothing(running: Running, clip: bytes) -> None:
    with talk(running) as session:
        session.media(clip[: len(clip) // 2])
        session.hear()
        [pid] = running.service.pool.pids
        wait_until(lambda: running.metric("attune_sessions_active") == 1)
        session.say("keepalive")
        session.hear_until(KeepAlive)  # so the media before it is in the process
        os.kill(pid, 9)
        session.media(clip[len(clip) // 2 :])
        session.say("session.close")
        assert session.hear_out() == 1000
        steps = [round(measurement.time * 25) for measurement in session.all(Measurement)]
        assert steps == list(range(steps[0], 50))
        assert not session.all(ErrorMessage)
    wait_until(lambda: running.client.get("/health/ready").status_code == 200)
