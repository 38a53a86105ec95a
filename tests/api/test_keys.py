"""API keys: asked for everywhere under /v1 where there are any, and nowhere else."""

import base64
from collections.abc import Iterator

import pytest
from api.harness import Running, run
from hypothesis import given
from hypothesis import strategies as st

from service.api.keys import KEY_PREFIX, check_key, key_of_handshake
from service.errors import Unauthorized

KEYS = ("first-of-the-keys", "second-of-the-keys")


@pytest.fixture(scope="module")
def locked() -> Iterator[Running]:
    """A service that asks for a key."""
    with run(workers=1, max_analyses=1, api_keys=" , ".join(KEYS)) as service:
        yield service


@pytest.mark.parametrize("shown", [None, "", "first-of-the-key", KEYS[0] + "s", ",", "ключ", KEYS[0] + "," + KEYS[1]])
def test_only_one_of_the_keys_is_let_in(shown: str | None) -> None:
    assert [check_key(key, KEYS) for key in KEYS] == list(KEYS)
    with pytest.raises(Unauthorized):
        check_key(shown, KEYS)


def test_where_there_are_no_keys_anybody_is_let_in() -> None:
    assert check_key(None, ()) == ""
    assert check_key("whatever", ()) == ""


@given(st.text(max_size=40))
def test_a_handshake_carries_any_key_in_its_header_or_as_a_subprotocol(key: str) -> None:
    name = KEY_PREFIX + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    assert key_of_handshake(None, ["attune.v1", name]) == key
    assert key_of_handshake(f"Bearer {key}", ["attune.v1"]) == key.strip()


@pytest.mark.parametrize("name", [KEY_PREFIX + "a", KEY_PREFIX + "_w", "attune.v1"])
def test_a_subprotocol_that_is_no_key_carries_none(name: str) -> None:
    assert key_of_handshake(None, [name]) is None
    assert key_of_handshake("Basic abc", [name]) is None


def test_without_a_key_nothing_under_v1_answers_and_everything_else_does(locked: Running, clip: bytes) -> None:
    for response in (locked.client.get("/v1/model"), locked.analyse(clip)):
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics"):
        assert locked.client.get(path).status_code == 200


@pytest.mark.parametrize("key", KEYS)
def test_with_a_key_v1_answers(locked: Running, clip: bytes, key: str) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert locked.client.get("/v1/model", headers=headers).status_code == 200
    assert locked.client.post("/v1/analyses", content=clip, headers=headers).status_code == 200
