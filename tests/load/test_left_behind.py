"""Sessions that break off leave nothing in the decoding process, and uploads there stand back for live sessions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api.harness import Running, run, wait_until
from api.talking import talk

from benchmarks.serving import SAMPLE
from benchmarks.webm import LoopedRecording
from service.protocol.messages import Measurement
from service.workers.detectors import KEPT
from service.workers.precedence import LEAST

SESSIONS = 12
"""Their decoders would have more threads than `KEPT` detectors."""
_OF_A_DETECTOR = 3


@pytest.fixture(scope="module")
def media() -> bytes:
    """Two seconds of WebM."""
    return b"".join(piece.data for piece in LoopedRecording(SAMPLE, 2.0).pieces(2.0, 1.0))


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """A service with one decoding process."""
    with run(workers=1, max_analyses=1, max_sessions=1) as running:
        yield running


def _priorities(service: Running) -> list[int]:
    """The nice values of all threads of the decoding process."""
    [pid] = service.service.pool.pids
    stats = [(task / "stat").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(stat.rpartition(")")[2].split()[16]) for stat in stats]


def _break_off(service: Running, media: bytes) -> None:
    """A session whose client is gone once it was measured."""
    with talk(service) as session:
        session.media(media)
        session.hear_until(Measurement)
        session.socket.socket.close()
    wait_until(lambda: service.metric("attune_sessions_active") == 0)


def test_sessions_that_break_off_leave_no_thread_behind(service: Running, media: bytes) -> None:
    most = len(_priorities(service)) + _OF_A_DETECTOR * (KEPT - 1)  # one session may begin while another still ends
    for _ in range(SESSIONS):
        _break_off(service, media)
    wait_until(lambda: len(_priorities(service)) <= most)


def test_threads_of_an_upload_stand_back_and_those_of_a_live_session_do_not(service: Running, media: bytes) -> None:
    assert LEAST not in _priorities(service)
    with talk(service) as session:
        session.media(media)
        session.hear_until(Measurement)
        live = len(_priorities(service))
        assert LEAST not in _priorities(service)
        with service.upload(media[:-1000], kind="video/webm"):
            wait_until(lambda: LEAST in _priorities(service))
            assert sum(value < LEAST for value in _priorities(service)) >= live
        session.say("session.close")
        session.hear_out()
