"""A service that asks for keys, and recordings to send it."""

from collections.abc import Iterator

import pytest
from api.conftest import SIZE, portrait
from api.harness import ENTRIES, Running, run
from media.clips import Clip, write_clip


@pytest.fixture(scope="session")
def keyed() -> Iterator[Running]:
    """A service for the holders of `KEYS`, with one place for a session; checkpoints come often."""
    with run(workers=1, max_sessions=1, max_analyses=1, api_keys=ENTRIES, checkpoint_interval=0.4) as service:
        yield service


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Two seconds of a real face and a tone that can be read as they arrive."""
    return write_clip(Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=2, size=SIZE, pictures=portrait))


@pytest.fixture(scope="session")
def late_index() -> bytes:
    """The same in an mp4 with its index at the end, which must be spooled."""
    return write_clip(Clip(seconds=2, size=SIZE, pictures=portrait))
