"""Three times as many callers as there is room for: those inside lose nothing, those outside are told so at once."""

from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest

from benchmarks.load import FULL, Callers
from benchmarks.serving import Server, serving

SESSIONS, UPLOADS = 2, 1
SECONDS = 6
SOON = 1.0
"""Seconds to a refusal, ten times what `make soak` asks for: machines of tests are busy."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A service of its own with little room."""
    with serving(workers=1, max_sessions=SESSIONS, max_analyses=UPLOADS) as running:
        yield running


@pytest.fixture(scope="module")
def alone(server: Server) -> Any:
    """What one session meets that has the service to itself."""
    callers = Callers(server, SECONDS, sessions=1, late="wait")
    callers.go("open")
    return callers.told()


@pytest.fixture(scope="module")
def met(server: Server, alone: Any) -> tuple[Any, Any]:
    """What those met that there was room for, and what the others."""
    del alone  # has ended before
    more = FULL - 1
    inside = Callers(server, SECONDS, sessions=SESSIONS, uploads=UPLOADS, late="wait")
    outside = Callers(server, SECONDS / 2, knocks=more * SESSIONS, uploads=more * UPLOADS)
    inside.go("open")
    outside.go("open")
    others = outside.told()
    return inside.told(), others


def test_sessions_that_were_let_in_measure_all_that_they_would_have_measured_alone(
    alone: Any, met: tuple[Any, Any]
) -> None:
    inside, _ = met
    assert inside["sessions"] == ["ok"] * SESSIONS
    assert inside["measurements"] == alone["measurements"] * SESSIONS
    assert inside["measurements"][0] > 0
    assert inside["dropped"] == 0


def test_a_session_too_many_is_refused_at_once_and_told_when_to_come_again(met: tuple[Any, Any]) -> None:
    knocks = met[1]["knocks"]
    assert len(knocks) >= (FULL - 1) * SESSIONS
    assert {(knock["code"], knock["close_code"]) for knock in knocks} == {("busy", 1013)}
    assert all(knock["retry_after"] >= 1 for knock in knocks)
    assert median(knock["seconds"] for knock in knocks) < SOON


def test_an_upload_too_many_is_refused_at_once_and_told_when_to_come_again(met: tuple[Any, Any]) -> None:
    answers = [answer for one in met for answer in one["uploads"]]
    found = Counter((answer["status"], answer["code"]) for answer in answers)
    assert found.keys() <= {(200, "ok"), (429, "busy")}
    refused = [answer for answer in answers if answer["status"] == 429]
    assert refused
    assert all(answer["retry_after"] >= 1 for answer in refused)
    assert median(answer["seconds"] for answer in refused) < SOON


def test_afterwards_there_is_room_again(server: Server, met: tuple[Any, Any]) -> None:
    del met  # has ended before
    callers = Callers(server, SECONDS / 3, sessions=SESSIONS, late="wait")
    callers.go("open")
    assert callers.told()["sessions"] == ["ok"] * SESSIONS
