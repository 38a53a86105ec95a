"""Who is speaking: with several people on stage, the speech belongs to the one whose mouth moves with it.

For everyone on stage the motion of the mouth is correlated with the loudness of the sound, in a window that fades
exponentially. Mouths move some 0.1 s before they are heard, and in many recordings the sound is late besides, so this
is done at several lags; people are compared at one and the same, that at which anybody fits best.

Measured on the talk (two halves), the MEAD and the RAVDESS sentences of ../shared/data/clips, each two side by side
with the sound of one: from the second second on 81% of the steps of speech are given to the right person, 1% to the
wrong one, the others to both. That somebody else took over is found out one to four seconds later. Of a voice that is
neither's, one of them is taken for the speaker in 38% of the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.analysis.cast import Role
from service.analysis.snapshot import Arrays
from service.domain import Step
from service.representation import STEP_RATE

WINDOW = 2.0
"""Seconds after which what was compared weighs 1/e."""

SMOOTHING = 1.5
"""Steps, likewise, over which motion and loudness are smoothed."""

LAGS = range(-2, 9, 2)
"""Steps by which a mouth may be ahead of its sound."""

LEAST = 0.2
"""Correlation from which on somebody may be taken for the speaker."""

LEAD = 0.15
"""By how much it must exceed everyone else's at the same lag."""

KEPT = 0.15
"""Correlation down to which the speaker is not given up, while nobody else's is larger."""

SILENCE = -11.0
"""Mean log-mel energy below which all is equally quiet."""

_KEEP = 1.0 - 1.0 / (WINDOW * STEP_RATE)
_DELAY = -min(LAGS)
_PLACES = [lag + _DELAY for lag in LAGS]
_DEPTH = max(_PLACES) + 1
_ENOUGH = 1.0 - _KEEP**STEP_RATE
_TINY = 1e-6

Floats = NDArray[np.float32]


@dataclass(slots=True)
class _Mouth:
    """One person's mouth against the sound."""

    motion: Floats = field(default_factory=lambda: np.full(_DEPTH, np.nan, np.float32))
    """Smoothed, newest first; not a number where the face was not found."""
    sums: Floats = field(default_factory=lambda: np.zeros((6, len(LAGS)), np.float32))
    """For each lag the fading means, in sum of weight 1 at most, of 1, x, y, x², y², xy."""

    def move(self, motion: float | None) -> None:
        """The motion of the next step."""
        last = self.motion[0]
        now = np.nan if motion is None else motion if np.isnan(last) else last + (motion - last) / SMOOTHING
        self.motion = np.append(np.float32(now), self.motion[:-1])

    def compare(self, loudness: float) -> None:
        """Take in the loudness of `_DELAY` steps ago."""
        y = self.motion[_PLACES]
        x = np.full_like(y, loudness)
        new = np.stack([np.ones_like(y), x, y, x * x, y * y, x * y])
        self.sums = np.where(np.isnan(y), self.sums, _KEEP * self.sums + (1 - _KEEP) * new).astype(np.float32)

    def correlations(self) -> Floats:
        """[lags], nearer to 0 the less there is to go by, and 0 in the first second."""
        weight = np.maximum(self.sums[0], _TINY)
        x, y, xx, yy, xy = self.sums[1:] / weight
        spread = np.sqrt(np.maximum(xx - x * x, 0) * np.maximum(yy - y * y, 0))
        found = np.divide(xy - x * y, spread, out=np.zeros_like(x), where=spread > _TINY)
        return np.asarray(np.where(weight > _ENOUGH, weight * found, 0), dtype=np.float32)


class SpeakerFinder:
    """Follows every mouth on stage. Depends on steps alone, in some 200 bytes for each person."""

    def __init__(self) -> None:
        self._mouths: dict[int, _Mouth] = {}
        self._loudness = np.full(_DELAY + 1, np.nan, np.float32)
        """Smoothed, newest first; not a number where there is no sound."""
        self._speaker: int | None = None

    def push(self, step: Step, roles: Sequence[Role]) -> int | None:
        """The person whose the speech of `step` is; None while that is undecided, or with one person on stage. Call
        with steps in order."""
        self._listen(step)
        if len(roles) < 2:
            self._mouths, self._speaker = {}, None
            return None
        self._mouths = {role.person: self._mouths.get(role.person, _Mouth()) for role in roles}
        for role in roles:
            mouth = self._mouths[role.person]
            mouth.move(role.face.motion if role.face is not None else None)
            if not np.isnan(self._loudness[-1]):
                mouth.compare(float(self._loudness[-1]))
        self._speaker = self._decide()
        return self._speaker

    def state(self) -> Arrays:
        """All that is needed to go on, as arrays."""
        mouths = self._mouths.values()
        return {
            "loudness": self._loudness,
            "speaker": np.array([self._speaker or 0], np.int32),
            "people": np.array(list(self._mouths), np.int32),
            "motion": np.array([mouth.motion for mouth in mouths], np.float32),
            "sums": np.array([mouth.sums for mouth in mouths], np.float32),
        }

    def restore(self, state: Arrays) -> None:
        """Go on from `state`."""
        self._loudness = state["loudness"]
        [speaker] = state["speaker"].tolist()
        self._speaker = speaker or None
        rows = zip(state["people"].tolist(), state["motion"], state["sums"], strict=True)
        self._mouths = {person: _Mouth(motion, sums) for person, motion, sums in rows}

    def _listen(self, step: Step) -> None:
        last = self._loudness[0]
        if step.mel is None:
            now = np.nan
        else:
            loudness = max(float(step.mel.mean()) - SILENCE, 0.0)
            now = loudness if np.isnan(last) else last + (loudness - last) / SMOOTHING
        self._loudness = np.append(np.float32(now), self._loudness[:-1])

    def _decide(self) -> int | None:
        """Who leads clearly begins to speak, and goes on while nobody else leads at all."""
        people = list(self._mouths)
        found = np.stack([mouth.correlations() for mouth in self._mouths.values()])
        best, lag = np.unravel_index(found.argmax(), found.shape)
        others = np.delete(found[:, lag], best).max()
        if found[best, lag] >= max(LEAST, others + LEAD):
            return people[best]
        return self._speaker if people[best] == self._speaker and found[best, lag] >= KEPT else None
