"""Running services and clips to send them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage
from api.harness import ENTRIES, Running, run, wait_until
from media.clips import Clip, write_clip
from numpy.typing import NDArray

SIZE = (400, 300)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """A service with one decoding process and room for two analyses and four sessions."""
    with run(workers=1, max_analyses=2, max_sessions=4) as service:
        yield service


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with room for one analysis and narrow limits: 4 MiB, 4 s, 640 x 480, 60 pictures a second."""
    with run(
        workers=1,
        max_analyses=1,
        max_upload_bytes=4 * 2**20,
        max_duration=4,
        max_pixels=640 * 480,
        max_frame_rate=60,
        max_spool_bytes=2**20,
        body_timeout=1.5,
        spool_dir=tmp_path_factory.mktemp("spool"),
    ) as service:
        yield service


@pytest.fixture(scope="session")
def locked() -> Iterator[Running]:
    """A service that asks for one of `KEYS`, and has a friend."""
    with run(workers=1, max_analyses=1, api_keys=ENTRIES, allowed_origins="https://friend.example/") as service:
        yield service


@pytest.fixture
def hasty(one_at_a_time: Running) -> Running:
    """A service with room for one session, small messages and little patience; nobody has a session yet."""
    wait_until(lambda: one_at_a_time.metric("attune_sessions_active") == 0)
    return one_at_a_time


@pytest.fixture(scope="session")
def one_at_a_time() -> Iterator[Running]:
    """The service that `hasty` lends."""
    with run(
        workers=1,
        max_sessions=1,
        max_message_bytes=2**16,
        idle_timeout=2,
        send_timeout=2,
        max_duration=4,
        max_session_duration=4,
        checkpoint_interval=0.4,
    ) as service:
        yield service


@pytest.fixture
def spool(strict: Running) -> Path:
    """The folder where the strict service spools."""
    folder = strict.service.settings.spool_dir
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Two seconds of a real face and a tone, in a container that can be read as it arrives."""
    return write_clip(Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=2, size=SIZE, pictures=portrait))


@pytest.fixture(scope="session")
def late_index() -> bytes:
    """Two seconds of the same in an mp4 with its index at the end, which must be spooled."""
    return write_clip(Clip(seconds=2, size=SIZE, pictures=portrait))


def portrait(index: int) -> NDArray[np.uint8]:
    """Frame `index`: the portrait of an astronaut, drifting to the right."""
    width, height = SIZE
    picture: NDArray[np.uint8] = skimage.data.astronaut()[:height, :width]
    return np.roll(picture, index, axis=1)
