"""API keys: how they are made, and what configuration keeps of them.

A key is 256 random bits, so that its plain SHA-256 tells nothing of it: salt and slowness protect what people choose.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final

PREFIX: Final = "attune_"
"""What every key begins with, so that scanners for leaked secrets can find one."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What the service knows of a key."""

    name: str
    """Whose it is: what logs and limits speak of. While a key is replaced, the old and the new one share it."""
    digest: bytes
    """SHA-256 of the key."""


def new_key() -> str:
    """A fresh key."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> bytes:
    """What is kept of a key in its place."""
    return hashlib.sha256(key.encode()).digest()


def entry(name: str, key: str) -> str:
    """The entry of `key` in the configuration. Raises ValueError for what is no name."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name is 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first")
    return f"{name}={digest_of(key).hex()}"


def parse(text: str) -> tuple[ApiKey, ...]:
    """The keys of entries that commas separate. Raises ValueError, which repeats nothing of them."""
    keys: dict[bytes, ApiKey] = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, _, digest = part.partition("=")
        if not _NAME.fullmatch(name) or not _HASH.fullmatch(digest):
            raise ValueError(f"entry {number} is not NAME=HASH; `attune key NAME` makes one")
        key = ApiKey(name, bytes.fromhex(digest))
        if key.digest in keys:
            raise ValueError(f"entry {number} has the hash of another")
        keys[key.digest] = key
    if not keys:
        raise ValueError("there is no key; leave it unset where none is asked for")
    return tuple(keys.values())
