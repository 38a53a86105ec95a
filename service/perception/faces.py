"""Pictures to faces: scenes, detection, tracks, crops, one picture at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain import Face, FaceChoice
from service.perception.crops import crop_face
from service.perception.detector import Detection, FaceDetector, intersection_over_union, without_duplicates
from service.perception.lips import Lips
from service.perception.scenes import SceneDetector
from service.perception.tracker import SEARCHED, Look, Sighting, Tracker

SEARCH_EVERY = 10
"""Steps from one search of the whole picture to the next; between them only known faces are looked for. The first
picture of a scene is searched in all small tiles, later ones in a quarter of them in turn."""

FOUND = 0.6
"""Score above which a face found beside another one needs no search of its own."""

SAME_PLACE = 0.4
"""Intersection over union with the expected box above which a detection is of that face."""

STAY = 1.2
"""Ratio of areas by which another face must be larger to take over as the largest."""


class FaceFinder:
    """Turns each step's picture into its faces. Depends on steps and pictures only: one that is held over several steps
    is looked at in each of them, as if it had been sent again."""

    def __init__(self, detector: FaceDetector, faces: FaceChoice = "all") -> None:
        self._detector = detector
        self._largest = Largest() if faces == "largest" else None
        self._scenes = SceneDetector()
        self._tracker = Tracker()
        self._lips = Lips()
        self._scene: int | None = None
        self._turn = 0

    def push(self, step: int, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Faces of confirmed people on the picture of `step`, RGB [h, w, 3]; steps rise."""
        sightings = self._look(step, image)
        crops = {one.track: crop_face(image, one.detection) for one in sightings}
        motion = self._lips.push(step, crops)
        faces = [Face(one.track, one.box, crops[one.track], motion[one.track]) for one in sightings]
        if self._largest is None:
            return tuple(faces)
        # Narrowed down behind everything else: what a face did before it became the largest is known then.
        return tuple(replace(face, track=1) for face in self._largest.choose(step, faces))

    def snapshot(self) -> dict[str, Any]:
        """Everything that the faces of later pictures depend on, for JSON: under 3 kB with one face, and less than 1 kB
        for each further one."""
        return {
            "scene": self._scene,
            "turn": self._turn,
            "scenes": self._scenes.snapshot(),
            "tracker": self._tracker.snapshot(),
            "lips": self._lips.snapshot(),
            "largest": self._largest.snapshot() if self._largest is not None else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `snapshot` of a finder that looks for the same choice of faces."""
        self._scene, self._turn = state["scene"], state["turn"]
        self._scenes.restore(state["scenes"])
        self._tracker.restore(state["tracker"])
        self._lips.restore(state["lips"])
        if self._largest is not None:
            self._largest.restore(state["largest"])

    def _look(self, step: int, image: NDArray[np.uint8]) -> list[Sighting]:
        scene = self._scenes.push(step, image)
        found: list[Detection] = []
        turn = step // SEARCH_EVERY
        if scene != self._scene:
            found = self._detector.detect(image)
        elif turn > self._turn:
            found = self._detector.detect(image, quarter=turn % 4)
        self._scene, self._turn = scene, turn
        # People first: what they bring about anything tentative is then replaced by that one's own look.
        for look in sorted(self._tracker.looks(step, scene), key=lambda one: one.tentative):
            if look.tentative:
                own = [one for one in self._search(image, look) if _is_at(one, look)]
                found = [one for one in found if not _is_at(one, look)] + own[:1]
            elif not any(one.score > FOUND and _is_at(one, look) for one in found):
                found += self._search(image, look)
        return self._tracker.update(step, without_duplicates(found), scene)

    def _search(self, image: NDArray[np.uint8], look: Look) -> list[Detection]:
        return self._detector.detect(image, look.region, mirrored=look.mirrored)


def _is_at(detection: Detection, look: Look) -> bool:
    return intersection_over_union(detection.box, look.expected) > SAME_PLACE


class Largest:
    """Narrows people down to one: whoever has the largest face, with some constancy."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, float]] = {}
        """Last step and area of each face seen lately, by track."""
        self._current = 0

    def choose(self, step: int, faces: Sequence[Face]) -> list[Face]:
        """The largest of a picture's faces; none while that face is missed for a moment."""
        self._seen = {track: seen for track, seen in self._seen.items() if step - seen[0] <= SEARCHED}
        self._seen |= {one.track: (step, one.box.width * one.box.height) for one in faces}
        if not self._seen:
            return []
        best = max(self._seen, key=lambda track: (self._seen[track][1], -track))
        if self._current not in self._seen or self._seen[best][1] > STAY * self._seen[self._current][1]:
            self._current = best
        return [one for one in faces if one.track == self._current]

    def snapshot(self) -> dict[str, Any]:
        """Everything that later choices depend on, for JSON."""
        return {"current": self._current, "seen": [[track, *seen] for track, seen in self._seen.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `snapshot`."""
        self._current = state["current"]
        self._seen = {track: (step, area) for track, step, area in state["seen"]}
