"""WebSocket frames of every wrong shape: the session ends with the code of RFC 6455, and nothing else happens."""

import struct
from random import Random

import pytest
from api.harness import PATIENCE, Running, read_until, wait_until, warnings
from api.talking import talk
from wire import answers, made_up
from wire.bad_frames import ALLOWED, BROKEN, KEEPALIVE, closing
from wire.frames import BINARY, CLOSE, PING, PONG, TEXT, frame

from service.protocol.messages import KeepAlive


def nothing_is_left(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """No session is open, the next one works, and the log says nothing of what was wrong."""
    wait_until(lambda: running.service.sessions.active == 0)
    with talk(running) as session:
        session.say("keepalive")
        session.hear_until(KeepAlive)
    assert warnings(caplog) == []


@pytest.mark.parametrize("name", BROKEN)
def test_frames_that_are_none_end_the_session_with_the_standards_code(
    running: Running, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = BROKEN[name]
    heard = answers.converse(running.port, conversation.data, PATIENCE)
    assert answers.close_code(heard) == conversation.code
    assert answers.frames_of(heard)[-1][0] == CLOSE, "nothing comes after the last"
    assert answers.conversation_fault(heard) is None
    nothing_is_left(running, caplog)


@pytest.mark.parametrize("name", ALLOWED)
def test_frames_that_are_unusual_are_understood(running: Running, name: str, caplog: pytest.LogCaptureFixture) -> None:
    conversation = ALLOWED[name]
    with answers.opened(running.port) as connection:
        connection.sendall(conversation.data)
        if conversation.code is None:
            read_until(connection, KEEPALIVE)
            connection.sendall(closing(1000))
        assert answers.close_code(answers.hear(connection)) == (conversation.code or 1000)
    nothing_is_left(running, caplog)


def test_a_closing_without_a_code_is_answered_without_one(running: Running) -> None:
    assert answers.frames_of(answers.converse(running.port, frame(CLOSE), PATIENCE))[-1] == (CLOSE, b"")


def test_pings_are_answered_with_what_they_hold(running: Running) -> None:
    said = [b"", b"x", bytes(range(125))]
    heard = answers.converse(running.port, b"".join(frame(PING, one) for one in said) + closing(1000), PATIENCE)
    assert [payload for opcode, payload in answers.frames_of(heard) if opcode == PONG] == said


@pytest.mark.parametrize("payload", [b"", bytes(125)])
def test_a_flood_of_pings_costs_nobody_else_anything(running: Running, payload: bytes) -> None:
    with talk(running) as other:
        heard = answers.converse(running.port, frame(PING, payload) * 5000 + closing(1000), PATIENCE)
        assert answers.close_code(heard) == 1000
        other.say("keepalive")
        other.hear_until(KeepAlive)


def test_what_comes_after_the_closing_is_not_heard(running: Running) -> None:
    before = running.metric("attune_received_bytes_total")
    after = frame(TEXT, b"{") + frame(BINARY, b"media") + frame(PING, b"x") + struct.pack("!H", 0xFFFF)
    heard = answers.converse(running.port, closing(1000) + after, PATIENCE)
    assert [opcode for opcode, _ in answers.frames_of(heard)][-1:] == [CLOSE]
    assert running.metric("attune_received_bytes_total") == before


@pytest.mark.parametrize("seed", range(4))
def test_made_up_frames_are_answered_or_end_the_session(
    running: Running, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    random = Random(seed)  # noqa: S311
    said = [made_up.conversation(random) for _ in range(150)]
    port = running.port
    assert answers.faults(said, lambda data: answers.conversation_fault(answers.converse(port, data, 0.3))) == []
    nothing_is_left(running, caplog)
