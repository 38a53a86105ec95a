"""Ever new bad recordings, made by changing good and bad ones where their pieces begin and end."""

import random
from collections.abc import Callable
from functools import cache

from hostile.corpus import small
from hostile.originals import originals
from hostile.structure import Part, parts

MOST = 24 * 1024
"""Bytes; what is longer tells no more and takes longer."""
_BRIEF = 0.3
"""Part of the length of the originals: three pictures."""
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1)

Mutation = Callable[[random.Random, bytes, list[Part]], bytes]


@cache
def _stock() -> tuple[tuple[bytes, list[Part]], ...]:
    return tuple((media, parts(media)) for media in originals(_BRIEF).values())


@cache
def _spoilt() -> tuple[bytes, ...]:
    return tuple(item.media for item in small(MOST) if item.media)


def mutated(chance: random.Random) -> bytes:
    """A recording that nobody has seen; the same for the same `chance`."""
    spoilt = _spoilt()
    if chance.random() < 0.15:
        media, found = chance.choice(spoilt), [Part("all", 0, 0, 1)]
    else:
        media, found = chance.choice(_stock())
        for _ in range(chance.randint(0, 2)):  # each from the same parts: later ones may meet what moved
            media = chance.choice(_STRUCTURAL)(chance, media, found)
    for _ in range(chance.randint(0 if found else 1, 3)):
        media = chance.choice(_BYTEWISE)(chance, media, found)
    return media[:MOST]


def _dropped(chance: random.Random, media: bytes, found: list[Part]) -> bytes:
    part = chance.choice(found)
    return media[: part.start] + media[part.end :]


def _repeated(chance: random.Random, media: bytes, found: list[Part]) -> bytes:
    part = chance.choice(found)
    return media[: part.end] + media[part.start : part.end] * chance.choice((1, 1, 2, 50)) + media[part.end :]


def _exchanged(chance: random.Random, media: bytes, found: list[Part]) -> bytes:
    first, second = sorted((chance.choice(found), chance.choice(found)), key=lambda part: part.start)
    if second.start < first.end:
        return media
    between = media[first.end : second.start]
    one, other = media[first.start : first.end], media[second.start : second.end]
    return media[: first.start] + other + between + one + media[second.end :]


def _resized(chance: random.Random, media: bytes, found: list[Part]) -> bytes:
    """Another number in the header of a part: often its size."""
    part = chance.choice(found)
    return _written(chance, media, chance.randrange(part.start, max(part.start + 1, part.content)))


def _renumbered(chance: random.Random, media: bytes, found: list[Part]) -> bytes:
    """Another number among the first of a part's content."""
    part = chance.choice(found)
    return _written(chance, media, part.content + chance.randrange(64))


def _grafted(chance: random.Random, media: bytes, found: list[Part]) -> bytes:
    """A part of another recording in place of one of this one's."""
    other, theirs = chance.choice(_stock())
    graft, part = chance.choice(theirs), chance.choice(found)
    return media[: part.start] + other[graft.start : graft.end] + media[part.end :]


def _written(chance: random.Random, media: bytes, at: int) -> bytes:
    width = chance.choice((1, 2, 4, 4, 8))
    number = chance.choice(_NUMBERS) % (1 << 8 * width)
    return media[:at] + number.to_bytes(width, chance.choice(("big", "little"))) + media[at + width :]


def _flipped(chance: random.Random, media: bytes, _found: list[Part]) -> bytes:
    bad = bytearray(media)
    for _ in range(chance.choice((1, 1, 4, 30)) if bad else 0):
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
    return bytes(bad)


def _overwritten(chance: random.Random, media: bytes, _found: list[Part]) -> bytes:
    return _written(chance, media, chance.randrange(len(media) + 1))


def _cut(chance: random.Random, media: bytes, _found: list[Part]) -> bytes:
    return media[: chance.randrange(len(media) + 1)]


def _stuffed(chance: random.Random, media: bytes, _found: list[Part]) -> bytes:
    at = chance.randrange(len(media) + 1)
    return media[:at] + chance.randbytes(chance.choice((1, 3, 16, 400))) + media[at:]


_STRUCTURAL: tuple[Mutation, ...] = (_dropped, _repeated, _exchanged, _resized, _resized, _renumbered, _grafted)
_BYTEWISE: tuple[Mutation, ...] = (_flipped, _flipped, _overwritten, _cut, _stuffed)
