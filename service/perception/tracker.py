"""Faces of one picture after another to people: association, confirmation, absence. Media time only, no clock.

A track is a place that moves, not an identity: no face is ever compared with another. A person keeps the id while
undetected for up to `ABSENCE` seconds, if the face comes back near where it was expected; after that, or elsewhere, the
same person gets a new id. Someone else who takes the place within that time inherits the id, unless a cut lies between:
each scene (see `scenes`) has its own tracks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from service.domain import Box
from service.perception.detector import Detection, overlap
from service.representation import ABSENCE, STEP_RATE

MIN_PICTURES = 3
"""Pictures on which a face must be found before it is a person; one that is held counts at every step."""

MIN_STEPS = STEP_RATE // 5
"""Steps between the first of them and the last."""

DOUBTFUL = 0.58
"""Detection score that speaks neither for a face nor against; a picture's evidence is the score above it."""

GLANCE = 0.1
"""Evidence of the first detection, whatever its score: a small face scores low until a search looks from near."""

GLANCES = tuple((scale, mirrored) for mirrored in (False, True) for scale in (1.4, 0.72, 1.0))
"""How a face that is no person yet is looked at on picture after picture: size of the region searched, over that of
the face, and whether the region is mirrored. Folds, letters and foliage are taken for a face in some of these views
only; in all six, on average, they score below 0.6 and faces, profiles included, 0.63 to 0.95 (measured on the clips,
and on pictures of scikit-image without faces)."""

MISSED = 0.2
"""Evidence that a picture without the face takes away."""

ENOUGH = 1.0
"""Evidence that makes a person: a fifth of a second of a clear face, half a second of a vague one."""

MAX_DOUBT = 25
"""Pictures after which what is no person yet is given up."""

MAX_TRACKS = 12
"""Faces followed at once, the confirmed first; bounds the work per picture."""

MAX_UNSEEN = round(ABSENCE * STEP_RATE)
"""Steps without a detection after which a person is gone."""

SEARCHED = 10
"""Steps without a detection after which a person is looked for in whole pictures only."""

_MAX_COST = 0.8
_MAX_COST_AFTER_ABSENCE = 1.2
_MAX_SIZE_RATIO = 1.8
_SMOOTHING = 0.5


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person found on this picture."""

    track: int
    """From 1, in order of confirmation."""
    box: Box
    """Smoothed over the last few steps."""
    detection: Detection


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look for a known face on a picture, and how."""

    expected: Box
    """Where the face should be."""
    region: Box
    """Around what to search; larger or smaller than `expected` for a face that is no person yet."""
    mirrored: bool
    track: int
    """0 for a face that is no person yet."""


@dataclass(slots=True)
class _Track:
    box: Box
    first: int
    last: int
    scene: int
    evidence: float
    pictures: int = 1
    """With a detection."""
    looks: int = 0
    """Pictures since the first."""
    number: int = 0
    """0 until confirmed."""
    velocity_x: float = 0.0
    """Of the centre, fractions of the picture per step."""
    velocity_y: float = 0.0

    def expected(self, step: int) -> Box:
        """Where the box should be by now, drifting on for a while."""
        steps = min(step - self.last, SEARCHED)
        return Box(
            self.box.x + steps * self.velocity_x,
            self.box.y + steps * self.velocity_y,
            self.box.width,
            self.box.height,
        )

    def is_promising(self) -> bool:
        """Whether this is a person or may still become one."""
        return self.number > 0 or (self.evidence > 0.0 and self.looks < MAX_DOUBT)

    def look(self, step: int) -> Look:
        """How to search for it at `step`."""
        expected = self.expected(step)
        if self.number:
            return Look(expected, expected, mirrored=False, track=self.number)
        scale, mirrored = GLANCES[self.looks % len(GLANCES)]
        return Look(expected, _scaled(expected, scale), mirrored, track=0)

    def take(self, step: int, detection: Detection) -> None:
        """Follow a detection, smoothing by the steps since the last one."""
        steps = step - self.last
        old, new = self.expected(step), detection.box
        keep = _SMOOTHING**steps
        box = Box(*(keep * a + (1.0 - keep) * b for a, b in zip(_values(old), _values(new), strict=True)))
        moved_x, moved_y = ((b - a) / steps for a, b in zip(_centre(self.box), _centre(box), strict=True))
        self.velocity_x = keep * self.velocity_x + (1.0 - keep) * moved_x
        self.velocity_y = keep * self.velocity_y + (1.0 - keep) * moved_y
        self.box, self.last = box, step
        self.pictures += 1
        self.evidence = min(ENOUGH, self.evidence + detection.score - DOUBTFUL)


class Tracker:
    """Follows the faces of a stream. One call of `update` for each picture, with rising steps."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._people = 0

    def looks(self, step: int, scene: int = 0) -> list[Look]:
        """Where on the picture of `step`, which shows `scene`, to look for the faces seen lately."""
        return [track.look(step) for track in self._tracks if track.scene == scene and step - track.last <= SEARCHED]

    def update(self, step: int, detections: Sequence[Detection], scene: int = 0) -> list[Sighting]:
        """Take all faces found on the picture of `step`, which shows `scene`; return the people among them, by id."""
        others = self._enter(step, scene)
        pairs = self._associate(step, detections)
        for index, detection in pairs:
            self._tracks[index].take(step, detection)
        for track in self._tracks:
            track.looks += 1
            if track.last < step and not track.number:
                track.evidence -= MISSED
        self._confirm(step)
        taken = {id(detection) for _, detection in pairs}
        people = [
            Sighting(self._tracks[index].number, self._tracks[index].box, detection)
            for index, detection in pairs
            if self._tracks[index].number
        ]
        self._tracks = [track for track in self._tracks if track.is_promising()]
        self._begin(step, scene, [detection for detection in detections if id(detection) not in taken])
        self._tracks += others
        return sorted(people, key=lambda sighting: sighting.track)

    def snapshot(self) -> dict[str, Any]:
        """Everything that later results depend on, for JSON."""
        return {"people": self._people, "tracks": [astuple(track) for track in self._tracks]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `snapshot`."""
        self._people = state["people"]
        self._tracks = [_Track(Box(*box), *rest) for box, *rest in state["tracks"]]

    def _enter(self, step: int, scene: int) -> list[_Track]:
        """Forget who is gone, keep the tracks of `scene`; return the people of the other scenes."""
        alive = [track for track in self._tracks if step - track.last <= MAX_UNSEEN]
        self._tracks = [track for track in alive if track.scene == scene]
        return [track for track in alive if track.scene != scene and track.number]

    def _associate(self, step: int, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        """Pairs of track and detection, the closest first, each at most once."""
        costs = []
        for index, track in enumerate(self._tracks):
            expected = track.expected(step)
            limit = _MAX_COST if step - track.last <= SEARCHED else _MAX_COST_AFTER_ABSENCE
            for place, detection in enumerate(detections):
                cost = _cost(expected, detection.box)
                if cost <= limit:
                    costs.append((cost, index, place))
        pairs: list[tuple[int, Detection]] = []
        tracks: set[int] = set()
        places: set[int] = set()
        for _, index, place in sorted(costs):
            if index not in tracks and place not in places:
                tracks.add(index)
                places.add(place)
                pairs.append((index, detections[place]))
        return pairs

    def _confirm(self, step: int) -> None:
        for track in self._tracks:
            seen_enough = track.pictures >= MIN_PICTURES and step - track.first >= MIN_STEPS
            if not track.number and track.last == step and seen_enough and track.evidence >= ENOUGH:
                self._people += 1
                track.number = self._people

    def _begin(self, step: int, scene: int, detections: Sequence[Detection]) -> None:
        """Start a track for each new face, larger ones first, unless it lies on one that is followed already."""
        for detection in sorted(detections, key=lambda one: (-one.box.height, one.box.x, one.box.y)):
            known = any(track.last == step and overlap(track.box, detection.box) > 0.5 for track in self._tracks)
            if not known and len(self._tracks) < MAX_TRACKS:
                self._tracks.append(_Track(detection.box, step, step, scene, GLANCE))


def _cost(expected: Box, found: Box) -> float:
    """Distance of the centres in face sizes plus half the logarithm of the sizes' ratio; infinite if that is absurd."""
    width, height = math.sqrt(expected.width * found.width), math.sqrt(expected.height * found.height)
    if not (width > 0.0 and height > 0.0):
        return math.inf
    ratio = found.height / expected.height
    if not 1.0 / _MAX_SIZE_RATIO <= ratio <= _MAX_SIZE_RATIO:
        return math.inf
    (x, y), (other_x, other_y) = _centre(expected), _centre(found)
    return math.hypot((other_x - x) / width, (other_y - y) / height) + 0.5 * abs(math.log(ratio))


def _scaled(box: Box, scale: float) -> Box:
    """The box grown about its middle."""
    width, height = scale * box.width, scale * box.height
    return Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)


def _centre(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _values(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height
