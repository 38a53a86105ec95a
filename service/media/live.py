"""What a live session asks of the decoder that a recording does not."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Live:
    """Whether pictures may be dropped; `None` in its place, or no bound, drops none."""

    max_delay: float | None = None
    """Seconds that a picture may wait: one that could have been given this long ago is given without its image."""
    clock: Callable[[], float] = time.monotonic
    """The clock of the times at which bytes arrived; on Linux the monotonic clock is the same in all processes."""

    def is_late(self, due: float) -> bool:
        """Whether a picture that could be given from the time `due` on (0: nobody knows) has waited too long."""
        return self.max_delay is not None and due > 0 and self.clock() - due > self.max_delay
