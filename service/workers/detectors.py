"""Face detectors kept open between sessions: opening one costs far more than a picture."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, Protocol, TypeVar

from service.errors import AttuneError


class Closable(Protocol):
    """Anything that must be closed."""

    def close(self) -> None: ...


D = TypeVar("D", bound=Closable)

KEPT: Final = 4
"""Detectors of either kind that wait for a borrower, at most; each holds 10 MB and three threads. As many as a core
carries sessions, and one more: a crowd that came and went leaves no others."""


class DetectorPool(Generic[D]):
    """Lends detectors, one borrower each at a time, opens another when all are lent, keeps `KEPT` of each kind at most.

    A detector has threads of its own, which rank as high as the thread that opened it. So those that an upload has
    opened are lent to uploads alone (`service.workers.precedence`), and to live sessions those of their own.
    """

    def __init__(self, open_detector: Callable[[], D]) -> None:
        self._open = open_detector
        self._idle: dict[bool, list[D]] = {True: [], False: []}
        """Those of live sessions, and those of uploads."""
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self, *, live: bool = True) -> Iterator[D]:
        """Lend a detector to a live session, or to an upload.

        One whose borrower met an unexpected failure is closed, since its graph may be broken.
        """
        idle = self._idle[live]
        with self._lock:
            detector = idle.pop() if idle else None
        if detector is None:
            detector = self._open()
        healthy = False
        try:
            yield detector
            healthy = True
        except (AttuneError, OSError):
            healthy = True
            raise
        finally:
            with self._lock:
                is_kept = healthy and len(idle) < KEPT
                if is_kept:
                    idle.append(detector)
            if not is_kept:
                detector.close()
