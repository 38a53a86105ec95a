"""Whose bytes ended a decoding process: what is known of its end, and what follows for each session that it carried.

A session that is known to have done it (a fatal signal struck in its thread, it alone hung, what it sent was nonsense)
ends. Where nobody is known, as after SIGKILL, all go on, and those with bytes in hand become suspects. What they are
sent again is cut as it was before, so media that kill do so at the same place again, after as many bytes and steps, and
others are elsewhere by then. Who is there again and had alone bytes in hand is the culprit. Where others had too, all
that are there again go on once more, one at a time: on probation, until they give something new. Whoever is there a
third time, when all others with bytes in hand have been elsewhere before, has done it. Where no media were taken yet is
no place: all that move to another process begin there. So killing a process from outside costs nobody anything, and a
recording that kills every process that it meets ends after a few.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

TOLERATED: Final = 8
"""Ends without a known culprit at which a session may have had bytes in hand within `WINDOW`; one more, and it ends,
wherever it was."""
WINDOW: Final = 60.0
"""Seconds."""

Place = tuple[int, int]
"""How much media a session had taken (bytes, or messages), and the step that it had not come to."""


class Fate(Enum):
    """What becomes of a session when its process has ended."""

    GOES_ON = "goes on"
    ON_PROBATION = "goes on, one at a time"
    ENDS = "ends"


@dataclass(slots=True)
class Record:
    """What is held against one session."""

    on_probation: bool = False
    """Whether it is the one suspect that may be decoded at the moment."""
    begins_at: int = 0
    """Where in its media the process that has it began."""
    places: deque[Place] = field(default_factory=lambda: deque(maxlen=TOLERATED + 1))
    """How far it had got, in media and in steps, each time that a process ended with its bytes in hand and without a
    known culprit."""
    times: deque[float] = field(default_factory=lambda: deque(maxlen=TOLERATED + 1))
    """When that happened; seconds on the monotonic clock."""

    def strike(self, taken: int, step: int, now: float) -> None:
        """One more such end, after so much media and before this step, at the time `now`."""
        self.places.append((self.begins_at + taken, step))
        self.times.append(now)

    @property
    def strikes(self) -> int:
        """How often it was where it was the last time."""
        return self.places.count(self.places[-1]) if self.places else 0

    @property
    def exceeded(self) -> bool:
        """Whether this happens too often, wherever it is."""
        return len(self.times) > TOLERATED and self.times[-1] - self.times[0] < WINDOW


def judge(
    records: Mapping[int, Record], *, culprits: Collection[int], suspects: Mapping[int, Place], now: float
) -> dict[int, Fate]:
    """The fate of each session of a process that has ended, by number; `suspects`, and how much media each had taken
    before which step, count where there are no `culprits`.

    Of both only sessions with a record matter: others are closed.
    """
    fates = dict.fromkeys(records, Fate.GOES_ON)
    if culprits:
        return fates | {number: Fate.ENDS for number in records if number in culprits}
    struck = [number for number in records if number in suspects]
    for number in struck:
        records[number].strike(*suspects[number], now)
    again = [number for number in struck if suspects[number][0] and records[number].strikes > 1]
    is_known = len(again) == 1 and (
        len(struck) == 1
        or (records[again[0]].strikes > 2 and all(len(records[number].places) > 1 for number in struck))
    )
    fates |= dict.fromkeys(again, Fate.ON_PROBATION)
    # Who was on probation and is not known to have done it has not yet shown that it can get on: let go, several that
    # kill would each save the others again and again.
    fates |= {number: Fate.ON_PROBATION for number, record in records.items() if record.on_probation}
    if is_known:
        fates[again[0]] = Fate.ENDS
    return fates | {number: Fate.ENDS for number in struck if records[number].exceeded}
