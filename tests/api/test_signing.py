"""Tokens: only those that this key made, for this caller and model, in time, whole."""

import os
import stat
import zlib
from base64 import urlsafe_b64decode
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.signing import Signer, signing_key
from service.errors import TokenExpired, TokenForeignModel, TokenInvalid

MODEL = {"name": "attune", "version": "1"}
KEY = bytes(range(32))


def signer(key: bytes = KEY, now: float = 1000.0, **model: str) -> Signer:
    return Signer(key, model=MODEL | model, clock=lambda: now)


@given(st.binary(max_size=100), st.text(max_size=9), st.integers(0, 2**60))
def test_what_was_put_in_comes_out_at_any_holder_of_the_key(content: bytes, caller: str, number: int) -> None:
    token = signer().make("checkpoint", content, caller=caller, lifetime=60, number=number)
    assert signer().open("checkpoint", token, caller=caller) == ({"number": number}, content)


@given(st.data())
def test_a_token_with_any_character_changed_added_or_left_out_is_refused(data: st.DataObject) -> None:
    token = signer().make("checkpoint", b"state", caller="", lifetime=60)
    place = data.draw(st.integers(0, len(token)))
    other = data.draw(st.text(st.characters(max_codepoint=300), max_size=2))
    end = place + data.draw(st.integers(0, 2))
    changed = token[:place] + other + token[end:]
    if changed == token:
        return
    with pytest.raises(TokenInvalid):
        signer().open("checkpoint", changed, caller="")


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(TokenInvalid):
        signer().open("checkpoint", text, caller="")


def test_a_token_of_another_key_purpose_or_caller_is_refused() -> None:
    token = signer().make("checkpoint", b"", caller="one", lifetime=60)
    for other in (signer(bytes(32)), signer()):
        with pytest.raises(TokenInvalid):
            other.open("checkpoint", token, caller="two")
    with pytest.raises(TokenInvalid):
        signer(bytes(32)).open("checkpoint", token, caller="one")
    with pytest.raises(TokenInvalid):
        signer().open("baseline", token, caller="one")


def test_a_token_is_refused_once_it_has_expired_and_by_another_model() -> None:
    token = signer(now=1000).make("checkpoint", b"", caller="", lifetime=60)
    signer(now=1060).open("checkpoint", token, caller="")
    with pytest.raises(TokenExpired):
        signer(now=1061).open("checkpoint", token, caller="")
    with pytest.raises(TokenForeignModel):
        signer(version="2").open("checkpoint", token, caller="")


def test_a_token_gives_away_neither_the_callers_key_nor_the_services() -> None:
    token = signer().make("checkpoint", b"", caller="sesame-sesame-sesame", lifetime=60)
    stored = zlib.decompress(urlsafe_b64decode(token + "=" * (-len(token) % 4))[33:])
    plain = bytearray(len(stored))
    ends = np.cumsum([0, *(len(plain[place::4]) for place in range(4))])
    for place in range(4):
        plain[place::4] = stored[ends[place] : ends[place + 1]]
    assert b"attune" in plain
    assert b"sesame" not in plain
    assert KEY not in plain


def test_floats_of_one_size_make_a_token_shorter_than_their_bytes_as_text() -> None:
    content = np.random.default_rng(0).normal(size=5000).astype(np.float32).tobytes()
    token = signer().make("checkpoint", content, caller="", lifetime=60)
    assert len(token) < 0.93 * len(content) * 4 / 3
    assert signer().open("checkpoint", token, caller="")[1] == content


def test_the_key_of_a_setting_is_the_same_everywhere_and_made_of_all_of_it() -> None:
    assert signing_key("a" * 40) == signing_key("a" * 40)
    assert len({signing_key("a" * 40), signing_key("a" * 41), signing_key("b" * 40)}) == 3


def test_a_key_without_a_setting_is_made_once_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    key = signing_key(None)
    assert signing_key(None) == key
    [file] = (tmp_path / "state" / "attune").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert signing_key(None) != key
    assert (tmp_path / ".local/state/attune" / file.name).exists()


def test_services_that_start_at_once_agree_on_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    link, raced = os.link, []

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        raced.append(signing_key(None))  # another service was quicker
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    assert [signing_key(None)] == raced
    assert len(list((tmp_path / "attune").iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"short"])
def test_without_a_folder_or_with_a_damaged_key_there_is_one_for_the_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if content:
        (tmp_path / "attune").mkdir()
        (tmp_path / "attune" / "checkpoint.key").write_bytes(content)
    else:
        (tmp_path / "attune").write_text("not a folder")
    assert signing_key(None) != signing_key(None)
    assert "ATTUNE_CHECKPOINT_KEY" in caplog.text
