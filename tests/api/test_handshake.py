"""Who may open a session: the subprotocol, the origin and the key decide before anything is accepted."""

import json
from typing import Any

import pytest
from api.harness import KEYS, Running, wait_until, warnings
from api.talking import talk
from websockets.exceptions import InvalidStatus

from service.protocol.messages import SUBPROTOCOL, SessionCreated

KEY = KEYS["web"]


def refusal(running: Running, **options: Any) -> tuple[int, str]:
    """Status and code of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught, talk(running, **options):
        pass
    response = caught.value.response
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, json.loads(response.body or b"{}")["code"]


def test_a_refusal_is_no_error_in_the_log(locked: Running, caplog: pytest.LogCaptureFixture) -> None:
    assert refusal(locked) == (401, "unauthorized")
    assert refusal(locked, subprotocols=[]) == (422, "invalid_request")
    assert refusal(locked, headers={"Origin": "https://evil.example"}) == (403, "origin_not_allowed")
    assert refusal(locked, path="/v1/nope") == (404, "not_found")
    wait_until(lambda: not locked.server.server_state.tasks)
    assert warnings(caplog) == []


@pytest.mark.parametrize("offered", [[], ["attune.v2"], ["attune.token.x"]])
def test_a_client_that_does_not_speak_the_protocol_is_refused(running: Running, offered: list[str]) -> None:
    assert refusal(running, subprotocols=offered) == (422, "invalid_request")


def test_the_protocol_is_agreed_on_and_nothing_else_that_was_offered(running: Running) -> None:
    with talk(running, subprotocols=["attune.v2", "attune.token.x", SUBPROTOCOL]) as session:
        assert session.socket.subprotocol == SUBPROTOCOL


def test_a_key_is_asked_for_where_there_is_one(locked: Running) -> None:
    with talk(locked, headers={"Authorization": f"Bearer {KEY}"}) as session:
        assert isinstance(session.hear(), SessionCreated)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": {"Authorization": "Bearer wrong"}},
        {"subprotocols": [SUBPROTOCOL, f"attune.token.{KEY}"]},
        {"query": f"?token={KEY}"},
        {"query": "?token=%ff"},
    ],
)
def test_what_is_no_key_or_is_shown_where_addresses_are_logged_is_refused(
    locked: Running, options: dict[str, Any]
) -> None:
    assert refusal(locked, **options) == (401, "unauthorized")


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


@pytest.mark.parametrize("path", ["/", "/nope", "/v1/nope", "/v1/model", "/docs/assets/swagger-ui.css"])
def test_there_are_no_sessions_at_other_paths(running: Running, path: str) -> None:
    with pytest.raises(InvalidStatus) as caught, talk(running, path=path):
        pass
    response = caught.value.response
    assert (response.status_code, json.loads(response.body or b"{}")["code"]) == (404, "not_found")
    assert response.headers["X-Request-ID"]


def test_a_refusal_names_the_way_to_a_key(locked: Running) -> None:
    with pytest.raises(InvalidStatus) as caught, talk(locked):
        pass
    assert caught.value.response.headers["www-authenticate"] == "Bearer"
