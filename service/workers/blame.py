"""Whose bytes ended a decoding process: what is known of its end, and what follows for each session that it carried.

A session that is known to have done it (a fatal signal struck in its thread, it alone hung, what it sent was nonsense)
ends. Where nobody is known, as after SIGKILL, all of them go on, and those with bytes in hand become suspects. One that
gives a new step is cleared. At a second such end, without a new step in between, the suspect ends if it is the
only one; several go on once more, one at a time, and whoever is in hand at a third end is the culprit. So killing a
process from outside costs nobody anything, and a recording that kills every process that it meets soon meets no more.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

TOLERATED: Final = 5
"""Ends without a known culprit at which a session may have had bytes in hand within `WINDOW`; one more ends it, however
many steps it gave in between."""
WINDOW: Final = 60.0
"""Seconds."""


class Fate(Enum):
    """What becomes of a session when its process has ended."""

    GOES_ON = "goes on"
    ON_PROBATION = "goes on, one at a time"
    ENDS = "ends"


@dataclass(slots=True)
class Record:
    """What is held against one session."""

    strikes: int = 0
    """Ends of processes with its bytes in hand and without a known culprit, since its last new step."""
    times: deque[float] = field(default_factory=lambda: deque(maxlen=TOLERATED + 1))
    """When those happened, steps or not; seconds on the monotonic clock."""

    def clear(self) -> None:
        """It gave a new step."""
        self.strikes = 0

    def strike(self, now: float) -> None:
        """One more such end, at the time `now`."""
        self.strikes += 1
        self.times.append(now)

    @property
    def exceeded(self) -> bool:
        """Whether this happens too often, whatever happens in between."""
        return len(self.times) > TOLERATED and self.times[-1] - self.times[0] < WINDOW


def judge(
    records: Mapping[int, Record], *, culprits: Collection[int], suspects: Collection[int], now: float
) -> dict[int, Fate]:
    """The fate of each session of a process that has ended, by number; `suspects` count where there are no `culprits`.

    Of both only sessions with a record matter: others are closed.
    """
    fates = dict.fromkeys(records, Fate.GOES_ON)
    if culprits:
        return fates | {number: Fate.ENDS for number in records if number in culprits}
    struck = [number for number in records if number in suspects]
    for number in struck:
        records[number].strike(now)
    again = [number for number in struck if records[number].strikes > 1]
    for number in again:
        is_known = len(again) == 1 or records[number].strikes > 2
        fates[number] = Fate.ENDS if is_known else Fate.ON_PROBATION
    return fates | {number: Fate.ENDS for number in struck if records[number].exceeded}
