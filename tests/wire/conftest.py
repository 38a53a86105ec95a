"""A running service that gets told nonsense."""

from collections.abc import Iterator

import pytest
from api.harness import Running, run


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """A service with one decoding process and room for what many clients say at once."""
    with run(workers=1, max_analyses=8, max_sessions=64, checkpoint_interval=0.4, max_message_bytes=2**19) as service:
        yield service
