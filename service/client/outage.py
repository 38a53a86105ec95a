"""How long and how often to try again."""

import random
import time
from collections.abc import Callable

_FIRST, _LONGEST = 0.1, 3.0
"""Seconds between the first tries of an outage, and between later ones."""


class Outage:
    """Time spent without getting on, against the patience there is.

    An outage begins with the first loss and ends when a connection brought something new, or held out for as long as
    the patience. So a session whose bytes crash every server that reads them is given up like one without a server.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._began: float | None = None
        self._tries = 0

    def over(self) -> None:
        """The session got on."""
        self._began = None
        self._tries = 0

    def next_try(self, connected_for: float, retry_after: int | None) -> float | None:
        """Seconds to wait before the next try, after a connection that lasted `connected_for` seconds; None to give up.

        The first try comes at once unless the server named a time; later ones after growing, jittered pauses.
        """
        if connected_for >= self._patience:
            self.over()
        now = self._clock()
        if self._began is None:
            self._began = now
        pause = min(_FIRST * 2 ** (self._tries - 1), _LONGEST) * random.uniform(0.5, 1.0) if self._tries else 0.0  # noqa: S311  # nosec B311
        self._tries += 1
        pause = max(pause, retry_after or 0)
        return pause if now + pause - self._began <= self._patience and self._patience else None
