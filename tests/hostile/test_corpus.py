import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hostile.bodies import references
from hostile.corpus import KINDS, corpus, small
from hostile.items import ANYTHING, OK, REFUSALS
from hostile.originals import originals
from hostile.structure import parts
from media.clips import read_all


def test_every_kind_has_items_and_every_item_a_name_of_its_own() -> None:
    kinds = Counter(item.kind for item in corpus())
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 5
    assert len({item.title for item in corpus()}) == len(corpus())


def test_no_item_may_fail_for_a_fault_of_ours() -> None:
    allowed = ANYTHING | {"invalid_request"}
    assert all(item.outcomes and item.outcomes <= allowed for item in corpus())
    assert REFUSALS.isdisjoint({OK, "worker_failed", "internal_error"})


def digest() -> str:
    """Of everything that is made."""
    whole = hashlib.sha256()
    for item in corpus():
        whole.update(b"".join((item.title.encode(), item.media, *item.messages)))
    return whole.hexdigest()


def test_another_process_makes_the_same_bytes() -> None:
    tests = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", "from hostile.test_corpus import digest; print(digest())"],
        env={"PYTHONPATH": f"{tests}:{tests.parent}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest()


def test_a_seed_flips_other_bits() -> None:
    def flipped(seed: int) -> list[bytes]:
        return [item.media for item in corpus(seed) if item.kind == "bit flips"]

    assert flipped(0) != flipped(1)


def test_small_items_are_most_of_all() -> None:
    assert len(small()) > 0.9 * len(corpus())
    assert sum(len(item.media) for item in small()) < 10 * 2**20


@pytest.mark.parametrize("name", originals())
def test_the_originals_are_good_and_their_parts_cover_them(name: str) -> None:
    media = originals()[name]
    assert read_all(media).items
    found = parts(media)
    assert len(found) >= 2
    assert all(0 <= part.start <= part.content <= part.end <= len(media) for part in found)
    covered = {at for part in found for at in range(part.start, part.end)}
    assert len(covered) > 0.95 * len(media)


def test_references_name_the_address_that_they_are_given() -> None:
    items = list(references("http://127.0.0.1:4242/here"))
    assert sum(b"http://127.0.0.1:4242/here" in item.media for item in items) > 30
