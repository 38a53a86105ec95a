"""Every kind of bad media that we know of, made anew in code and the same for the same seed."""

from collections.abc import Callable, Iterator
from functools import cache

from hostile import bodies, damage, headers, moving, picturing, sounding
from hostile.items import Item

_MAKERS: tuple[Callable[[], Iterator[Item]], ...] = (
    damage.truncations,
    damage.wrong_types,
    damage.joined,
    damage.garbled,
    headers.endless,
    headers.deep,
    headers.metadata,
    moving.times,
    moving.rates,
    moving.sizes,
    moving.changes,
    moving.streams,
    sounding.sounds,
    picturing.bombs,
    picturing.headers,
    bodies.bombs,
    bodies.references,
)

KINDS = (
    *("truncation", "bit flips", "wrong type", "joined", "garbage", "endless header", "deep structure", "metadata"),
    *("timestamps", "frame rate", "picture size", "change in mid-stream", "no key frame", "streams", "sound"),
    *("picture bomb", "message header", "compressed body", "reference"),
)


@cache
def corpus(seed: int = 0) -> tuple[Item, ...]:
    """All items, about 40 MB; `seed` chooses which bits are flipped."""
    return (*damage.flips(seed), *(item for make in _MAKERS for item in make()))


def small(limit: int = 64 * 1024, seed: int = 0) -> list[Item]:
    """The items of at most so many bytes: to send many of."""
    return [item for item in corpus(seed) if len(item.media) <= limit and sum(map(len, item.messages)) <= 4 * limit]
