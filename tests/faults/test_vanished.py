"""Clients that are gone without a word, or are there and take nothing: their places and connections come free."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from typing import Any

import pytest
from api.harness import PATIENCE, Running, chunk, read_until, run, wait_until
from api.talking import talk
from faults.far import FarMachine, far_machine

from service.api import unread
from service.protocol.messages import Measurement

HEAD = (
    b"POST /v1/analyses HTTP/1.1\r\nHost: localhost\r\nAccept: %s\r\nContent-Type: video/x-matroska\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@pytest.fixture(scope="module")
def patient() -> Iterator[Running]:
    """A service at every address, with little patience."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unread, "UNREAD_SECONDS", 2.0)
        with run(
            host="0.0.0.0",  # noqa: S104
            allow_anonymous=True,
            workers=1,
            max_analyses=2,
            max_sessions=2,
            body_timeout=2,
            idle_timeout=2,
            send_timeout=1,
        ) as service:
            yield service


@pytest.fixture
def far(program: Callable[..., str]) -> Iterator[FarMachine]:
    with far_machine(program) as machine:
        yield machine


def wait_until_forgotten(service: Running, client: socket.socket) -> None:
    """Wait until the client has no connection any more, and nothing runs."""
    name = client.getsockname()

    def known() -> bool:
        connections: list[Any] = list(service.server.server_state.connections)
        return any(connection.transport.get_extra_info("peername") == name for connection in connections)

    assert known()
    wait_until(lambda: not known())
    wait_until(lambda: service.service.admission.active == service.service.sessions.active == 0)


@contextmanager
def held_up(service: Running) -> Iterator[None]:
    """No analysis gets on."""
    settings, release = service.service.settings, threading.Event()
    threads = settings.max_analyses + settings.max_sessions
    blockers = [service.service.threads.submit(release.wait, PATIENCE) for _ in range(threads)]
    try:
        yield
    finally:
        release.set()
        wait(blockers)


def test_an_upload_whose_client_vanishes_gives_its_place_back(patient: Running, far: FarMachine, clip: bytes) -> None:
    before = patient.metric('attune_analyses_total{outcome="body_timeout"}')
    with far.connect(patient.port) as client:
        client.sendall(HEAD % b"*/*" + chunk(clip[: len(clip) // 2]))
        wait_until(lambda: patient.service.admission.active == 1)
        far.vanish()
        wait_until_forgotten(patient, client)
    assert patient.metric('attune_analyses_total{outcome="body_timeout"}') == before + 1


@pytest.mark.parametrize("accept", [b"application/json", b"text/event-stream"])
def test_an_answer_that_gets_to_nobody_is_not_kept(
    patient: Running, far: FarMachine, clip: bytes, accept: bytes
) -> None:
    with far.connect(patient.port) as client:
        with held_up(patient):
            client.sendall(HEAD % accept + chunk(clip) + chunk(b""))
            wait_until(lambda: patient.metric("attune_active_analyses") == 1)
            far.vanish()
        wait_until_forgotten(patient, client)


@pytest.mark.parametrize("has_closed", [False, True])
def test_a_session_whose_client_vanishes_gives_its_place_back(
    patient: Running, far: FarMachine, clip: bytes, has_closed: bool
) -> None:
    with talk(patient, sock=far.connect(patient.port)) as session:
        session.media(clip)
        session.hear_until(Measurement)
        with held_up(patient):
            if has_closed:
                session.say("session.close")
                session.say("keepalive")
            far.vanish()
        wait_until_forgotten(patient, session.socket.socket)
        far.come_back()  # so that this end hears that the other has forgotten it


def test_a_client_that_takes_nothing_of_its_answer_is_cut_off(patient: Running, clip: bytes) -> None:
    [listening] = [one for server in patient.server.servers for one in server.sockets]
    with socket.socket() as client, socket.socket(fileno=os.dup(listening.fileno())) as same:
        before = same.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)  # connections inherit it
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", patient.port))
        client.sendall(HEAD % b"application/json" + chunk(clip) + chunk(b""))
        read_until(client, b"HTTP/1.1 200 ")
        wait_until_forgotten(patient, client)
        same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, before // 2)  # the kernel doubles what it is given
        with pytest.raises(ConnectionError):
            read_until(client, b"never there")
