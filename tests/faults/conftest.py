"""Clips and programs for tests that break something on purpose."""

from collections.abc import Iterator

import pytest
from api.conftest import clip, late_index
from api.harness import Running, run

__all__ = ["clip", "late_index"]


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """A service with one decoding process, room for two of each kind, and frequent checkpoints."""
    with run(workers=1, max_analyses=2, max_sessions=2, checkpoint_interval=0.4) as running:
        yield running
