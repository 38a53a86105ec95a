"""Signed, compressed, expiring tokens: what the service hands out and takes back without keeping it.

A token is base64url, without padding, of a version byte, a signature and a body. The signature is HMAC-SHA256 over
purpose, version and body; the body is zlib over a JSON header, its length before it, and then the content, with the
first bytes of all words of four put before all the second ones and so on: most of a content are 32-bit floats, whose
exponents are alike, and compress when they lie side by side (the "shuffle" filter of HDF5). Nothing of a token is read
before its signature is known to be good.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import struct
import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from service.errors import TokenExpired, TokenForeignModel, TokenInvalid

Purpose = Literal["checkpoint", "baseline", "access"]

_VERSION: Final = 2
_SIGNATURE_BYTES: Final = hashlib.sha256().digest_size
_LENGTH: Final = struct.Struct("<I")
_WORD: Final = 4
_LOG = logging.getLogger(__name__)


class Signer:
    """Makes and opens tokens that one key signs."""

    def __init__(self, key: bytes, *, model: Mapping[str, Any], clock: Callable[[], float] = time.time) -> None:
        """`model`: what names the model, and all that must be the same where a token is opened."""
        self._key = key
        self._model = dict(model)
        self._clock = clock

    def make(self, purpose: Purpose, content: bytes, *, caller: str, lifetime: float, **fields: Any) -> str:
        """A token for the caller of this name, good for `lifetime` seconds; `fields` go into its header."""
        expires = int(self._clock() + lifetime)
        header = json.dumps(
            {"model": self._model, "caller": self._name(caller), "expires": expires, "fields": fields},
            separators=(",", ":"),
        ).encode()
        body = bytes([_VERSION]) + zlib.compress(_shuffled(_LENGTH.pack(len(header)) + header + content), 9)
        return _text(self._sign(purpose, body) + body)

    def open(self, purpose: Purpose, token: str, *, caller: str) -> tuple[dict[str, Any], bytes]:
        """The fields and the content of a token. Raises `TokenInvalid`, `TokenExpired` or `TokenForeignModel`."""
        data = _bytes(token)
        signature, body = data[:_SIGNATURE_BYTES], data[_SIGNATURE_BYTES:]
        if not body or not hmac.compare_digest(signature, self._sign(purpose, body)) or body[0] != _VERSION:
            raise TokenInvalid(f"This is no {purpose} of this service, or it was altered.")
        plain = _in_order(zlib.decompress(body[1:]))
        start = _LENGTH.size + _LENGTH.unpack_from(plain)[0]
        header = json.loads(plain[_LENGTH.size : start])
        if header["caller"] != self._name(caller):
            raise TokenInvalid(f"This {purpose} was made for a caller with another API key.")
        if header["model"] != self._model:
            raise TokenForeignModel(f"This {purpose} was made by another model or an incompatible version.")
        if header["expires"] < self._clock():
            raise TokenExpired(f"This {purpose} has expired.")
        return header["fields"], plain[start:]

    def _sign(self, purpose: Purpose, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + body, "sha256")

    def _name(self, caller: str) -> str:
        """What tells callers apart in a token without naming them."""
        return hmac.digest(self._key, b"caller\0" + caller.encode(), "sha256")[:12].hex()


def _shuffled(plain: bytes) -> bytes:
    """Every fourth byte from the first on, then from the second, the third, the fourth."""
    return b"".join(plain[place::_WORD] for place in range(_WORD))


def _in_order(shuffled: bytes) -> bytes:
    """What `_shuffled` made this of."""
    plain, start = bytearray(len(shuffled)), 0
    for place in range(_WORD):
        count = len(range(place, len(shuffled), _WORD))
        plain[place::_WORD] = shuffled[start : start + count]
        start += count
    return bytes(plain)


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """What `_text` made this of; b"" for what it cannot have made."""
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, ValueError):
        return b""
    return data if _text(data) == text else b""  # base64 has several texts for the same bytes


def signing_key(setting: str | None) -> bytes:
    """The key of tokens: from the setting, or the one in the user's state folder, made there at first.

    Where there is no such folder it is made for this process alone, and the log says so.
    """
    if setting is not None:
        return hashlib.sha256(b"attune checkpoint key\0" + setting.encode()).digest()
    try:
        return _kept_key(_state_folder() / "checkpoint.key")
    except (OSError, RuntimeError) as error:
        _LOG.warning("checkpoints end with this process: no key can be kept (%s); set ATTUNE_CHECKPOINT_KEY", error)
        return secrets.token_bytes(32)


def _state_folder() -> Path:
    """The user's folder for the state of programs (XDG base directories). Raises RuntimeError without a home."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "attune"


def _kept_key(file: Path) -> bytes:
    """The key in `file`, which is made, readable by its owner alone, where there is none yet."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        # Written aside and then linked: of services that start at once, all read the one key that came first.
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:  # noqa: PTH123
            output.write(secrets.token_bytes(32))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = file.read_bytes()
    if len(key) != 32:
        raise RuntimeError(f"{file} is damaged")
    return key
