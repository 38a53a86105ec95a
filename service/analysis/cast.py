"""Who is on stage at each step: which face is which person, and whose the voice is.

Attune cannot tell who speaks. It gives the sound to everyone whose face is on show, and to the person seen last when
nobody's is. A voice heard before any face is person 1, and the first face to appear takes that person over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.domain import Face, Step
from service.representation import ABSENCE, STEP_RATE

_ABSENCE_STEPS = round(ABSENCE * STEP_RATE)


@dataclass(frozen=True, slots=True)
class Role:
    """One person at one step."""

    person: int
    face: Face | None
    """None where the face is not found at this step, or the person is a voice."""


@dataclass(slots=True)
class _Entry:
    track: int | None
    seen: int


class Cast:
    """Assigns people to steps by step number alone. Person ids count from 1 in order of first appearance."""

    def __init__(self) -> None:
        self._people: dict[int, _Entry] = {1: _Entry(track=None, seen=0)}
        self._ids: dict[int, int] = {}

    def at(self, step: Step) -> Sequence[Role]:
        """The people on stage at `step`, by id; never empty. Call with steps in order."""
        faces = {self._person_of(face): face for face in step.faces}
        for person in faces:
            self._people[person].seen = step.index
        on_stage = [
            person
            for person, entry in self._people.items()
            if entry.track is not None and step.index - entry.seen <= _ABSENCE_STEPS
        ]
        if not on_stage:
            on_stage = [max(self._people, key=lambda person: (self._people[person].seen, -person))]
        return [Role(person, faces.get(person)) for person in on_stage]

    def _person_of(self, face: Face) -> int:
        if face.track not in self._ids:
            voice = self._people[1]
            if voice.track is None:
                voice.track, person = face.track, 1
            else:
                person = len(self._people) + 1
                self._people[person] = _Entry(track=face.track, seen=0)
            self._ids[face.track] = person
        return self._ids[face.track]
