"""Tokens that a session may be shown, and what it says to them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from api.harness import Running

from service.api.signing import Signer
from service.api.stream.checkpoints import Checkpoints

DAY: Final = 86_400.0


def signers(running: Running, caller: str = "", lifetime: float = DAY) -> Checkpoints:
    """What makes tokens as the service does."""
    return Checkpoints(running.service.signer, caller, lifetime, lifetime)


def _altered(_: Running, token: str) -> str:
    place = len(token) // 2
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


def _of_another_caller(running: Running, token: str) -> str:
    return signers(running, caller="somebody else").make(signers(running).open(token)).token


def _expired(running: Running, token: str) -> str:
    return signers(running, lifetime=-DAY).make(signers(running).open(token)).token


def _of_another_model(running: Running, token: str) -> str:
    signer = Signer(running.service.signer._key, model={"name": "another"})
    return replace(signers(running), signer=signer).make(signers(running).open(token)).token


def _of_another_service(running: Running, token: str) -> str:
    signer = Signer(b"quite another key", model=running.service.signer._model)
    return replace(signers(running), signer=signer).make(signers(running).open(token)).token


def _for_access(running: Running, _: str) -> str:
    return running.service.access_signer.make("access", b"", caller="", lifetime=DAY)


REFUSED: Final[dict[str, tuple[Callable[[Running, str], str], str]]] = {
    "altered": (_altered, "token_invalid"),
    "cut off": (lambda _, token: token[:-7], "token_invalid"),
    "longer": (lambda _, token: token + "AAAA", "token_invalid"),
    "empty": (lambda _, __: "", "token_invalid"),
    "no text of base64": (lambda _, token: "ä" + token, "token_invalid"),
    "of another caller": (_of_another_caller, "token_invalid"),
    "of another service": (_of_another_service, "token_invalid"),
    "for access": (_for_access, "token_invalid"),
    "expired": (_expired, "token_expired"),
    "of another model": (_of_another_model, "token_foreign_model"),
}
"""By name: what makes such a token of a good checkpoint, and the code it is refused with."""
