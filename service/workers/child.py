"""The decoding process: `python -m service.workers.child START`, where START is a `Start` as JSON.

It says on the control socket that it is ready (or why it cannot be), then takes sessions from it, one thread each. It
ends when the control socket does, so that it never outlives the service.
"""

import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from service.assets import face_detector
from service.errors import AttuneError
from service.heaps import share_heaps
from service.logs import configure
from service.perception.detector import FaceDetector
from service.workers.blackbox import Recorder
from service.workers.confinement import confine
from service.workers.decoding import run_session
from service.workers.detectors import DetectorPool
from service.workers.limits import CpuGuard, bound
from service.workers.start import OUT_OF_MEMORY, Start
from service.workers.warming import warm

CONTROL_BYTES: Final = 16
"""Bound on one message of the control socket: the number of the session whose socket comes with it."""


def main(start: Start) -> None:
    """Serve sessions until the control socket ends; does not return."""
    share_heaps()
    configure("warning", start.log_format)
    bound(start.memory_bytes, start.file_bytes)
    control = socket.socket(fileno=start.control)
    recorder = Recorder(start.black_box)
    try:
        model = face_detector()
        warm(model)
        lacks = confine(start.spool_dir)
        detectors = DetectorPool(partial(FaceDetector, model))
        with detectors.borrow():
            control.send(json.dumps({"ready": True, "lacks": lacks}).encode())
    except BrokenPipeError:
        os._exit(0)  # the service is gone already
    except AttuneError as error:
        control.send(json.dumps({"ready": False, "code": error.code, "detail": error.detail}).encode())
        os._exit(1)
    gc.collect()
    gc.freeze()  # what every session uses stays; looking for what one has left behind then takes a millisecond
    CpuGuard(start.cpu_seconds, recorder.busy).start()
    leave = partial(os._exit, OUT_OF_MEMORY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, CONTROL_BYTES, 1)
        if not message:
            os._exit(0)  # sessions still running belong to a service that is gone
        if not descriptors:
            continue  # there was no room for it; the service notices that the other end is closed
        session = partial(
            run_session, socket.socket(fileno=descriptors[0]), detectors, recorder.hand(int(message)), leave
        )
        threading.Thread(target=_run, args=(session,), daemon=True).start()


def _run(session: Callable[[], None]) -> None:
    """One session of which nothing is left: a decoder that was broken off is in a cycle with the exception that did it,
    and would keep its pictures and threads until Python happens to look."""
    session()
    gc.collect()


if __name__ == "__main__":
    main(Start.from_json(sys.argv[1]))
