"""Tokens at the running service: each opens what it was made for, to whom, in time, and nothing else."""

import json
import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

import pytest
from api.frames_input import talking_head
from api.harness import ENTRIES, KEYS, Running, bearer, wait_until
from api.talking import Talk, talk
from websockets.exceptions import InvalidStatus

from service.api.signing import Signer, signing_key
from service.api.state import CHECKPOINT_FORM
from service.credentials import parse
from service.errors import TokenInvalid
from service.protocol.messages import SUBPROTOCOL, Checkpoint, SessionResumed, SessionSummary

DAY = 24 * 3600.0


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    """Two seconds as `frames` input."""
    return talking_head(50)


@pytest.fixture(scope="module")
def session(keyed: Running, messages: list[bytes]) -> Talk:
    """A whole session of the key `web`, which has learnt a baseline."""
    with talk(keyed, headers=bearer(KEYS["web"])) as whole:
        whole.say("session.update", input="frames", baseline="learn")
        whole.send(messages)
        whole.end()
    return whole


@pytest.fixture(scope="module")
def checkpoint(session: Talk) -> Checkpoint:
    """Its first checkpoint."""
    return session.all(Checkpoint)[0]


@pytest.fixture(scope="module")
def baseline(session: Talk) -> str:
    """The baseline of its one person."""
    [person] = session.all(SessionSummary)[0].people
    assert person.baseline is not None
    return person.baseline


def refusal(keyed: Running, kind: str, *, key: str = KEYS["web"], **fields: str) -> tuple[int, str]:
    """How a session ends that begins with this message: the code of the closing and of the error before it."""
    wait_until(lambda: keyed.metric("attune_sessions_active") == 0)
    with talk(keyed, headers=bearer(key)) as one:
        one.say(kind, **fields)
        code = one.hear_out()
        assert not one.all(SessionResumed)
        return code, one.failure().code


def resumption(keyed: Running, token: str, key: str = KEYS["web"]) -> tuple[int, str]:
    """How a session ends that would go on from `token`."""
    return refusal(keyed, "session.resume", key=key, token=token)


def test_a_checkpoint_opens_to_the_key_that_it_was_made_for_and_to_no_other(
    keyed: Running, checkpoint: Checkpoint, messages: list[bytes]
) -> None:
    assert resumption(keyed, checkpoint.token, KEYS["app"]) == (1008, "token_invalid")
    wait_until(lambda: keyed.metric("attune_sessions_active") == 0)
    with talk(keyed, headers=bearer(KEYS["web"])) as one:
        one.say("session.resume", token=checkpoint.token)
        one.send(messages[checkpoint.replay_from :])
        one.end()


def test_a_checkpoint_opens_to_an_access_token_of_its_key_and_to_none_of_another(
    keyed: Running, checkpoint: Checkpoint
) -> None:
    tokens = {
        name: str(keyed.client.post("/v1/tokens", headers=bearer(key)).json()["token"]) for name, key in KEYS.items()
    }
    assert resumption(keyed, checkpoint.token, tokens["app"]) == (1008, "token_invalid")
    wait_until(lambda: keyed.metric("attune_sessions_active") == 0)
    with talk(keyed, headers=bearer(tokens["web"])) as one:
        one.say("session.resume", token=checkpoint.token)
        one.hear_until(SessionResumed)


def test_a_baseline_is_used_by_its_own_key_alone(keyed: Running, baseline: str) -> None:
    assert refusal(keyed, "session.update", key=KEYS["app"], baseline=baseline) == (1008, "token_invalid")


def test_no_byte_of_a_checkpoint_can_be_changed(keyed: Running, checkpoint: Checkpoint) -> None:
    data = bytearray(urlsafe_b64decode(checkpoint.token + "=" * (-len(checkpoint.token) % 4)))
    signer = keyed.service.signer
    for place in range(len(data)):
        data[place] ^= 1 << place % 8
        with pytest.raises(TokenInvalid):
            signer.open("checkpoint", urlsafe_b64encode(data).rstrip(b"=").decode(), caller="web")
        data[place] ^= 1 << place % 8
    signer.open("checkpoint", checkpoint.token, caller="web")


CHANGES: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "its last character gone": lambda token: token[:-1],
    "half of it": lambda token: token[: len(token) // 2],
    "its signature alone": lambda token: token[:43],
    "its first characters gone": lambda token: token[4:],
    "one character more": lambda token: token + "A",
    "three bytes more": lambda token: token + "AAAA",
    "padding": lambda token: token + "=" * (-len(token) % 4 or 4),
    "a blank before it": lambda token: f" {token}",
    "a line after it": lambda token: f"{token}\n",
    "a line within": lambda token: f"{token[:8]}\n{token[8:]}",
    "what is no base64 within": lambda token: f"{token[:8]}!{token[8:]}",
    "a null character": lambda token: f"{token}\x00",
    "twice the same": lambda token: token + token,
    "the other alphabet of base64": lambda token: token.replace("-", "+").replace("_", "/"),
    "upper and lower case swapped": str.swapcase,
    "letters beyond ASCII": lambda _: "é" * 100,
    "megabytes": lambda _: "A" * 4_000_000,
    "megabytes of itself": lambda token: token * (4_000_000 // len(token)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_token_that_is_cut_added_to_or_written_otherwise_is_refused(
    keyed: Running, checkpoint: Checkpoint, change: str
) -> None:
    changed = CHANGES[change](checkpoint.token)
    assert changed != checkpoint.token
    assert resumption(keyed, changed) == (1008, "token_invalid")


def test_what_no_token_can_be_is_refused_before_it_is_looked_at(keyed: Running) -> None:
    assert resumption(keyed, "A" * 2**23) == (1009, "message_too_large")
    assert refusal(keyed, "session.update", baseline="A" * 5000) == (1008, "invalid_message")


def test_no_kind_of_token_passes_for_another(keyed: Running, checkpoint: Checkpoint, baseline: str) -> None:
    access = str(keyed.client.post("/v1/tokens", headers=bearer(KEYS["web"])).json()["token"])
    for token in (access, baseline):
        assert resumption(keyed, token) == (1008, "token_invalid")
    assert refusal(keyed, "session.update", baseline=access) == (1008, "token_invalid")
    # A checkpoint is longer than any baseline, so that its kind is not even asked for at the door.
    with pytest.raises(TokenInvalid):
        keyed.service.signer.open("baseline", checkpoint.token, caller="web")
    for token in (checkpoint.token, baseline):
        answer = keyed.client.get("/v1/model", headers=bearer(token))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        answer = keyed.client.post("/v1/tokens", headers=bearer(token))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_the_names_of_keys_and_their_hashes_open_nothing(keyed: Running) -> None:
    for key in parse(ENTRIES):
        for shown in (key.name, key.digest.hex(), f"{key.name}={key.digest.hex()}", "null", "Bearer"):
            assert keyed.client.get("/v1/model", headers=bearer(shown)).status_code == 401


def forged(keyed: Running, *, age: float = 0.0, **model: object) -> str:
    """A checkpoint that whoever has the checkpoint key could make, of this age and with this changed in its model."""
    secret = keyed.service.settings.checkpoint_key
    assert secret is not None
    own = {
        "form": CHECKPOINT_FORM,
        "name": keyed.service.model.name,
        "version": keyed.service.model.version,
        "state": keyed.service.engine.fusion.state_size,
        "representation": keyed.service.signer._model["representation"],
    }
    signer = Signer(signing_key(secret.get_secret_value()), model=own | model, clock=lambda: time.time() - age)
    return signer.make("checkpoint", b"", caller="web", lifetime=DAY)


def test_a_checkpoint_is_refused_when_it_is_a_day_old_or_of_another_model_version_or_form(keyed: Running) -> None:
    assert resumption(keyed, forged(keyed, age=DAY + 2)) == (1008, "token_expired")
    for changed in ({"name": "other"}, {"version": "0"}, {"form": CHECKPOINT_FORM + 1}, {"representation": -1}):
        assert resumption(keyed, forged(keyed, **changed)) == (1008, "token_foreign_model")
    # Whose it is comes first: another key learns nothing of it.
    assert resumption(keyed, forged(keyed, age=DAY + 2), KEYS["app"]) == (1008, "token_invalid")


def test_nothing_of_a_token_is_unpacked_before_its_signature_is_known_to_be_good(
    keyed: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = json.dumps({"model": {}, "caller": "", "expires": 2**40, "fields": {}}).encode()
    bomb = b"\x02" + zlib.compress(len(header).to_bytes(4, "little") + header + bytes(2**20), 9)

    def unpack(_: bytes) -> bytes:
        raise AssertionError("a bomb would have gone off")

    monkeypatch.setattr("service.api.signing.zlib.decompress", unpack)
    token = urlsafe_b64encode(bytes(32) + bomb).rstrip(b"=").decode()
    assert resumption(keyed, token) == (1008, "token_invalid")
    answer = keyed.client.get("/v1/model", headers=bearer(token[:60_000]))
    assert answer.status_code == 401


def test_a_token_shown_in_an_address_or_subprotocol_opens_a_session_only_where_it_is_an_access_token(
    keyed: Running, baseline: str
) -> None:
    for options in ({"query": f"?token={baseline}"}, {"subprotocols": [SUBPROTOCOL, f"attune.token.{baseline}"]}):
        with pytest.raises(InvalidStatus) as refused, talk(keyed, **options):
            pass
        assert refused.value.response.status_code == 401
