"""Clips and programs for tests that break something on purpose."""

from collections.abc import Iterator

import pytest
from api.conftest import SIZE, portrait
from api.harness import Running, run
from media.clips import Clip, write_clip


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Two seconds of a real face and a tone, in a container that can be read as it arrives."""
    return write_clip(Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=2, size=SIZE, pictures=portrait))


@pytest.fixture(scope="session")
def late_index() -> bytes:
    """Two seconds of the same in an mp4 with its index at the end, which must be spooled."""
    return write_clip(Clip(seconds=2, size=SIZE, pictures=portrait))


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """A service with one decoding process, room for two of each kind, and frequent checkpoints."""
    with run(workers=1, max_analyses=2, max_sessions=2, checkpoint_interval=0.4) as running:
        yield running
