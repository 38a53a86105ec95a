"""A session inside a decoding process that goes wrong."""

import logging
import socket

import pytest

from service.logs import noted
from service.media import MediaLimits
from service.perception.detector import FaceDetector
from service.workers import SessionOptions
from service.workers.blackbox import Hand
from service.workers.codec import Decoder, Failure
from service.workers.decoding import run_session
from service.workers.detectors import DetectorPool
from service.workers.feed import OPTIONS, encode_frame


def test_a_defect_is_logged_with_the_ids_of_the_session_and_told_without_its_internals(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> FaceDetector:
        raise RuntimeError("secret of the house")

    carried: list[dict[str, str]] = []
    caplog.handler.addFilter(lambda _: carried.append(noted()) or True)  # type: ignore[func-returns-value]
    # Live, since the thread of an upload would stand back for good, and here it is that of all tests.
    options = SessionOptions(MediaLimits(), "all", None, live=True, log_fields={"request": "r-1", "session": "s-1"})
    ours, theirs = socket.socketpair()
    with ours, caplog.at_level(logging.ERROR):
        ours.sendall(encode_frame(OPTIONS, options.to_json()))
        run_session(theirs, DetectorPool(broken), Hand(bytearray(32), 0), lambda: None)
        [failure] = Decoder().feed(ours.recv(10_000))
    assert isinstance(failure, Failure)
    assert failure.code == "worker_failed"
    assert "secret" not in failure.detail
    assert carried == [{"request": "r-1", "session": "s-1"}]
    assert noted() == {}
