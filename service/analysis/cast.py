"""Who is on stage at each step: which face is which person.

A voice heard before any face is person 1, and the first face to appear takes that person over. When nobody's face has
been on show for `ABSENCE` seconds, the person seen last stays on stage alone. Whoever else was away for so long never
returns (perception gives a face that comes back later a new track) and is forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.analysis.snapshot import Arrays
from service.domain import Face, Step
from service.representation import ABSENCE, STEP_RATE

_ABSENCE_STEPS = round(ABSENCE * STEP_RATE)
_VOICE = 0
"""The track of a person without a face."""


@dataclass(frozen=True, slots=True)
class Role:
    """One person at one step."""

    person: int
    face: Face | None
    """None where the face is not found at this step, or the person is a voice."""


@dataclass(slots=True)
class _Entry:
    track: int
    seen: int
    """The last step with a face."""


class Cast:
    """Assigns people to steps by step number alone. Person ids count from 1 in order of first appearance."""

    def __init__(self) -> None:
        self._people: dict[int, _Entry] = {1: _Entry(_VOICE, seen=0)}
        self._met = 1

    @property
    def met(self) -> int:
        """People met so far, the voice that may be somebody's included."""
        return self._met

    def at(self, step: Step) -> Sequence[Role]:
        """The people on stage at `step`, by id; never empty. Call with steps in order."""
        faces = {self._person_of(face): face for face in step.faces}
        for person in faces:
            self._people[person].seen = step.index
        on_stage = {
            person: entry
            for person, entry in self._people.items()
            if entry.track != _VOICE and step.index - entry.seen <= _ABSENCE_STEPS
        }
        if not on_stage:
            latest = max(self._people, key=lambda person: (self._people[person].seen, -person))
            on_stage = {latest: self._people[latest]}
        self._people = on_stage
        return [Role(person, faces.get(person)) for person in on_stage]

    def state(self) -> Arrays:
        """All that is needed to go on, as arrays."""
        rows = [(person, entry.track, entry.seen) for person, entry in self._people.items()]
        return {"met": np.array([self._met], np.int32), "people": np.array(rows, np.int32)}

    def restore(self, state: Arrays) -> None:
        """Go on from `state`."""
        [self._met] = state["met"].tolist()
        self._people = {person: _Entry(track, seen) for person, track, seen in state["people"].tolist()}

    def _person_of(self, face: Face) -> int:
        for person, entry in self._people.items():
            if entry.track in (face.track, _VOICE):
                entry.track = face.track
                return person
        self._met += 1
        self._people[self._met] = _Entry(face.track, seen=0)
        return self._met
