"""Who may open a session: the subprotocol, the origin and the key decide before anything is accepted."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from api.harness import Running, run
from api.talking import talk
from websockets.exceptions import InvalidStatus

from service.protocol.messages import SUBPROTOCOL, SessionCreated

KEY = "sesame-open-the-door"
AS_SUBPROTOCOL = "attune.key." + base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("=")


@pytest.fixture(scope="module")
def locked() -> Iterator[Running]:
    """A service with a key, and a friend."""
    with run(workers=1, max_analyses=1, api_keys=KEY, allowed_origins="https://friend.example/") as service:
        yield service


def refusal(running: Running, **options: Any) -> tuple[int, str]:
    """Status and code of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught, talk(running, **options):
        pass
    response = caught.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, json.loads(response.body or b"{}")["code"]


@pytest.mark.parametrize("offered", [[], ["attune.v2"], ["attune.key.c2VzYW1l"]])
def test_a_client_that_does_not_speak_the_protocol_is_refused(running: Running, offered: list[str]) -> None:
    assert refusal(running, subprotocols=offered) == (422, "invalid_request")


def test_the_protocol_is_agreed_on_and_nothing_else_that_was_offered(running: Running) -> None:
    with talk(running, subprotocols=["attune.v2", AS_SUBPROTOCOL, SUBPROTOCOL]) as session:
        assert session.socket.subprotocol == SUBPROTOCOL


def test_a_key_is_asked_for_where_there_is_one(locked: Running) -> None:
    assert refusal(locked) == (401, "unauthorized")
    assert refusal(locked, headers={"Authorization": "Bearer wrong"}) == (401, "unauthorized")
    for options in ({"headers": {"Authorization": f"Bearer {KEY}"}}, {"subprotocols": [SUBPROTOCOL, AS_SUBPROTOCOL]}):
        with talk(locked, **options) as session:
            assert isinstance(session.hear(), SessionCreated)
            assert session.socket.subprotocol == SUBPROTOCOL


def test_pages_of_other_origins_are_refused_but_for_those_that_are_named(locked: Running) -> None:
    def knock(origin: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {KEY}", "Origin": origin}

    for origin in (
        "https://evil.example",
        "null",
        "https://friend.example.evil.example",
        "http://friend.example",
        "http://[",
    ):
        assert refusal(locked, headers=knock(origin)) == (403, "origin_not_allowed")
    own = f"http://127.0.0.1:{locked.port}"
    for origin in ("https://friend.example", own, own.replace("http:", "https:")):
        with talk(locked, headers=knock(origin)) as session:
            assert isinstance(session.hear(), SessionCreated)


def test_a_refusal_names_the_way_to_a_key(locked: Running) -> None:
    with pytest.raises(InvalidStatus) as caught, talk(locked):
        pass
    assert caught.value.response.headers["www-authenticate"] == "Bearer"
