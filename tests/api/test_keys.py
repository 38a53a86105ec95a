"""Keys and tokens at the running service: asked for everywhere under /v1 where there are any, and nowhere else."""

import logging
from typing import Any

import pytest
from api.harness import KEYS, Running, bearer, wait_until
from api.talking import talk

from service.protocol.messages import SUBPROTOCOL, SessionCreated


def token_of(locked: Running, key: str) -> str:
    """A fresh token."""
    answer = locked.client.post("/v1/tokens", headers=bearer(key))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["expires_in"] == locked.service.settings.token_lifetime == 300
    return str(body["token"])


@pytest.mark.parametrize(
    "headers", [{}, bearer("attune_wrong"), {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}]
)
def test_without_a_key_nothing_under_v1_answers_and_everything_else_does(
    locked: Running, clip: bytes, headers: dict[str, str]
) -> None:
    client = locked.client
    for response in (
        client.get("/v1/model", headers=headers),
        client.post("/v1/tokens", headers=headers),
        client.post("/v1/analyses", content=clip, headers=headers),
    ):
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics"):
        assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize("name", KEYS)
def test_a_key_and_a_token_made_with_it_open_v1(locked: Running, clip: bytes, name: str) -> None:
    for credential in (KEYS[name], token_of(locked, KEYS[name])):
        assert locked.client.get("/v1/model", headers=bearer(credential)).status_code == 200
        assert locked.client.post("/v1/analyses", content=clip, headers=bearer(credential)).status_code == 200


def test_a_token_makes_no_token(locked: Running) -> None:
    answer = locked.client.post("/v1/tokens", headers=bearer(token_of(locked, KEYS["web"])))
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def ways_to_show(token: str) -> list[dict[str, Any]]:
    """By header, subprotocol and query; for `talk`."""
    return [
        {"headers": bearer(token)},
        {"subprotocols": [SUBPROTOCOL, f"attune.token.{token}"]},
        {"query": f"?token={token}"},
    ]


def test_a_token_opens_a_session_by_header_subprotocol_and_query_and_is_not_said_again(locked: Running) -> None:
    token = token_of(locked, KEYS["web"])
    for options in ways_to_show(token):
        with talk(locked, **options) as session:
            assert isinstance(session.hear(), SessionCreated)
            assert session.socket.subprotocol == SUBPROTOCOL
            assert session.socket.response is not None
            assert token not in str(session.socket.response.headers)


def test_neither_keys_nor_tokens_get_into_the_log_however_they_are_shown(
    locked: Running, clip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    key = KEYS["web"]
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "uvicorn.error"):
        token = token_of(locked, key)
        locked.client.post("/v1/analyses?note=of-mine", content=clip, headers=bearer(key))
        for options in ways_to_show(token):
            with talk(locked, **options) as session:
                session.hear()
        wait_until(lambda: len(log(caplog)) > 4 and locked.metric("attune_sessions_active") == 0)
    text = "\n".join(log(caplog))
    assert "session " in text
    for secret in (key, token, token[:40], "of-mine"):
        assert secret not in text


def log(caplog: pytest.LogCaptureFixture) -> list[str]:
    """All that the service logged, every field of it."""
    # Of this test, and one that only pytest switches on, by adding a handler to every logger that does not propagate.
    others = ("websockets.client", "httpx", "httpcore", "uvicorn.access")
    assert not logging.getLogger("uvicorn.access").propagate
    return [f"{record.getMessage()} {vars(record)}" for record in caplog.records if not record.name.startswith(others)]


def test_where_no_key_is_asked_for_a_client_that_makes_tokens_works_all_the_same(running: Running) -> None:
    token = running.client.post("/v1/tokens").json()["token"]
    with talk(running, subprotocols=[SUBPROTOCOL, f"attune.token.{token}"]) as session:
        assert isinstance(session.hear(), SessionCreated)
