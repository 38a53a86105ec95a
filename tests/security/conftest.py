"""A service that asks for keys, and recordings to send it."""

from collections.abc import Iterator

import pytest
from api.conftest import clip, late_index
from api.harness import ENTRIES, Running, run

__all__ = ["clip", "late_index"]


@pytest.fixture(scope="session")
def keyed() -> Iterator[Running]:
    """A service for the holders of `KEYS`, with one place for a session; checkpoints come often."""
    with run(workers=1, max_sessions=1, max_analyses=1, api_keys=ENTRIES, checkpoint_interval=0.4) as service:
        yield service
