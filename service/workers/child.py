"""The decoding process: `python -m service.workers.child CONTROL_FD MEMORY_BYTES LOG_FORMAT`.

It says on the control socket that it is ready (or why it cannot be), then takes sessions from it, one thread each. It
ends when the control socket does, so that it never outlives the service.
"""

import json
import os
import resource
import socket
import sys
import threading
from typing import cast

from service.assets import face_detector_path
from service.errors import AttuneError
from service.logs import LogFormat, configure
from service.perception.detector import FaceDetector
from service.workers.decoding import run_session
from service.workers.detectors import DetectorPool

CONTROL_BYTES = 16
"""Bound on one message of the control socket."""


def main(control_fd: int, memory_bytes: int) -> None:
    """Serve sessions until the control socket ends; does not return."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold media
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    control = socket.socket(fileno=control_fd)
    detectors = DetectorPool(open_detector)
    try:
        with detectors.borrow():
            control.send(json.dumps({"ready": True}).encode())
    except BrokenPipeError:
        os._exit(0)  # the service is gone already
    except AttuneError as error:
        control.send(json.dumps({"ready": False, "code": error.code, "detail": error.detail}).encode())
        os._exit(1)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, CONTROL_BYTES, 1)
        if not message:
            os._exit(0)  # sessions still running belong to a service that is gone
        connection = socket.socket(fileno=descriptors[0])
        threading.Thread(target=run_session, args=(connection, detectors), daemon=True).start()


def open_detector() -> FaceDetector:
    """A face detector with the asset that set-up has fetched. Raises `AssetMissing`."""
    return FaceDetector(face_detector_path())


if __name__ == "__main__":
    configure("warning", cast(LogFormat, sys.argv[3]))
    main(int(sys.argv[1]), int(sys.argv[2]))
