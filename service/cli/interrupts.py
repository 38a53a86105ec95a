"""Ctrl-C that is never lost."""

import signal
from types import FrameType
from typing import Self


class Interrupts:
    """While entered, remembers that SIGINT came, beside raising KeyboardInterrupt as ever.

    Python handles a signal at the next bytecode. While FFmpeg works that is a call back for more bytes, from which no
    exception can pass: it would be lost, and the recording would seem to end there. `check` then raises it after all.
    Only for the main thread.
    """

    def __init__(self) -> None:
        self._seen = False

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if SIGINT has come."""
        if self._seen:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._seen = True
        signal.default_int_handler(number, frame)
