"""The whole corpus against the real service: each item as an upload, most of them as a live session too."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile.conftest import Battered
from hostile.corpus import KINDS, corpus
from hostile.items import OK, Item
from hostile.sending import live, upload

_AT_ONCE = 4
_MOST_MEMORY = 700 << 20
"""Bytes that the decoding process may hold for four of them at once and the good recording, itself included."""
_MANY = 100
"""Of kinds with more items only every other one is sent in a session as well."""
_OF_MESSAGES = frozenset({OK, "media_too_long"})
"""How a session of `frames` input may end: faults of single messages do not end it."""


@pytest.mark.parametrize("kind", KINDS)
def test_bad_media_is_measured_or_refused_and_harms_nobody_else(battered: Battered, kind: str) -> None:
    items = [item for item in corpus() if item.kind == kind]
    sent = [("form" if number % 2 and not item.headers else "bytes", item) for number, item in enumerate(items)]
    sent += [("session", item) for item in items[:: 2 if len(items) > _MANY else 1] if not item.headers]

    def send(way: str, item: Item) -> str:
        if way == "session":
            return live(battered.running, item)
        return upload(battered.running, item, form=way == "form")

    with battered.neighbour(), ThreadPoolExecutor(_AT_ONCE) as senders:
        outcomes = list(senders.map(send, *zip(*sent, strict=True)))
    wrong = [
        f"{item.title} ({way}): {outcome}"
        for (way, item), outcome in zip(sent, outcomes, strict=True)
        if outcome not in (_OF_MESSAGES if way == "session" and item.messages else item.outcomes)
    ]
    assert not wrong
    battered.check()
    assert battered.peak < _MOST_MEMORY
