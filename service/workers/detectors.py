"""Face detectors kept open between sessions: opening one costs far more than a picture."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from service.errors import AttuneError


class Closable(Protocol):
    """Anything that must be closed."""

    def close(self) -> None: ...


D = TypeVar("D", bound=Closable)


class DetectorPool(Generic[D]):
    """Lends detectors, one borrower each at a time, and opens another when all are lent."""

    def __init__(self, open_detector: Callable[[], D]) -> None:
        self._open = open_detector
        self._idle: list[D] = []
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[D]:
        """Lend a detector. One whose borrower met an unexpected failure is closed, since its graph may be broken."""
        with self._lock:
            detector = self._idle.pop() if self._idle else None
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
            if healthy:
                with self._lock:
                    self._idle.append(detector)
            else:
                detector.close()
