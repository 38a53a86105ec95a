"""API keys: random, named, and kept as their hashes alone."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.credentials import PREFIX, ApiKey, digest_of, entry, new_key, parse

HASH = "0123456789abcdef" * 4
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


def test_a_key_holds_256_random_bits_behind_what_scanners_look_for() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert key.startswith(PREFIX)
        assert len(key.removeprefix(PREFIX)) == 43  # 256 bits in base64url
        assert key.isascii()
        assert key.isprintable()


def test_what_is_kept_of_a_key_is_its_sha256() -> None:
    assert digest_of("attune_key") == hashlib.sha256(b"attune_key").digest()
    assert entry("web", "attune_key") == "web=" + hashlib.sha256(b"attune_key").hexdigest()


@given(st.dictionaries(st.text(min_size=1), NAMES, min_size=1, max_size=5))
def test_entries_are_read_as_they_were_made(names: dict[str, str]) -> None:
    text = " , ".join(entry(name, key) for key, name in names.items())
    assert parse(f" {text},\n") == tuple(ApiKey(name, digest_of(key)) for key, name in names.items())


@pytest.mark.parametrize("name", ["", " ", "-web", "two words", "web=1", "web,other", "a" * 65, "ключ", "web\n"])
def test_a_name_that_could_mean_something_else_in_an_entry_or_a_log_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name is"):
        entry(name, "attune_key")
    with pytest.raises(ValueError, match="entry 1 "):
        parse(f"{name}={HASH}")


@pytest.mark.parametrize("text", ["attune_a-key-by-mistake", "web=", "web=attune_key", f"web:{HASH}", f"web={HASH}0"])
def test_what_is_no_entry_is_refused_by_its_number_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="entry 2 is not NAME=HASH") as caught:
        parse(f"first={HASH},{text}")
    assert "attune_" not in str(caught.value)
    assert HASH not in str(caught.value)


@pytest.mark.parametrize("text", ["", " , ", "\n"])
def test_no_key_where_some_are_asked_for_is_a_mistake_and_not_an_open_door(text: str) -> None:
    with pytest.raises(ValueError, match="there is no key"):
        parse(text)


def test_a_name_may_have_two_keys_while_one_replaces_the_other_but_a_key_has_one_name() -> None:
    old, new = parse(",".join(entry("web", key) for key in ("attune_old", "attune_new")))
    assert old.name == new.name == "web"
    with pytest.raises(ValueError, match="entry 2 has the hash of another"):
        parse(f"web={HASH},app={HASH}")
