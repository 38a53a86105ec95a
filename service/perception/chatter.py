"""What mediapipe's native code says on standard error at every start, whatever the log level."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CHATTER = (
    b"INFO: Created TensorFlow Lite XNNPACK delegate",
    b"WARNING: All log messages before absl::InitializeLog()",
    b"inference_feedback_manager.cc",
)
_STDERR = 2
_LOCK = threading.Lock()


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back standard error of the whole process within; afterwards pass on all of it but the known chatter."""
    with _LOCK:
        if sys.stderr is not None:
            sys.stderr.flush()
        try:
            real = os.dup(_STDERR)
        except OSError:  # there is no standard error, so nothing to spare it
            yield
            return
        # Opened after that: without standard error, this file would take its number.
        with tempfile.TemporaryFile() as held:
            try:
                os.dup2(held.fileno(), _STDERR)
                yield
            finally:
                os.dup2(real, _STDERR)
                os.close(real)
                held.seek(0)
                for line in held:
                    if not any(known in line for known in _CHATTER):
                        os.write(_STDERR, line)
