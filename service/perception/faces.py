"""Pictures to faces: scenes, detection, tracks, crops, one picture at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.domain import Face, FaceChoice
from service.perception.crops import crop_face
from service.perception.detector import ALL, Detection, FaceDetector, intersection_over_union, without_duplicates
from service.perception.flow import FaceFlow
from service.perception.lips import Lips
from service.perception.scenes import SceneDetector
from service.perception.tracker import SEARCHED, Look, Sighting, Tracker
from service.representation import KEY_EVERY

SHARES = 4
"""Key pictures in whose course all tiles are searched while nobody is known; twice as many while somebody is."""

SAME_PLACE = 0.4
"""Intersection over union with the expected box above which a detection is of that face."""

STAY = 1.2
"""Ratio of areas by which another face must be larger to take over as the largest."""


class FaceFinder:
    """Turns each step's picture into its faces.

    The first picture of a scene is searched at all scales, a key picture (see `KEY_EVERY`) whole and in a share of the
    tiles. Faces that are no people yet are detected on every picture, people on key pictures and where their optical
    flow is uncertain. Depends on steps and pictures only: one that is held over several steps is looked at in each of
    them, as if it had been sent again.
    """

    def __init__(self, detector: FaceDetector, faces: FaceChoice = "all") -> None:
        self._detector = detector
        self._largest = Largest() if faces == "largest" else None
        self._scenes = SceneDetector()
        self._tracker = Tracker()
        self._lips = Lips()
        self._flows: dict[int, FaceFlow] = {}
        """Of the people on the last picture, by track."""
        self._scene: int | None = None
        self._key = 0

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
        """Everything that the faces of later pictures depend on, for JSON, where the next one is a key picture: under
        3 kB with one face, and less than 1 kB for each further one."""
        return {
            "scene": self._scene,
            "key": self._key,
            "scenes": self._scenes.snapshot(),
            "tracker": self._tracker.snapshot(),
            "lips": self._lips.snapshot(),
            "largest": self._largest.snapshot() if self._largest is not None else None,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `snapshot` of a finder that looks for the same choice of faces."""
        self._scene, self._key = state["scene"], state["key"]
        self._scenes.restore(state["scenes"])
        self._tracker.restore(state["tracker"])
        self._lips.restore(state["lips"])
        if self._largest is not None:
            self._largest.restore(state["largest"])

    def _look(self, step: int, image: NDArray[np.uint8]) -> list[Sighting]:
        scene = self._scenes.push(step, image)
        # People first: what they bring about anything tentative is then replaced by that one's own look.
        looks = sorted(self._tracker.looks(step, scene), key=lambda one: one.track == 0)
        found: list[Detection] = []
        key = step // KEY_EVERY
        if scene != self._scene or key > self._key:
            self._flows.clear()
            shares = 2 * SHARES if any(look.track for look in looks) else SHARES
            new = scene != self._scene
            found = self._detector.detect(image, tile=ALL if new else slice(key % shares, None, shares))
        self._scene, self._key = scene, key
        for look in looks:
            own = self._find(image, look)
            if not look.track or any(_is_at(one, look) for one in own):
                found = [one for one in found if not _is_at(one, look)]
            found += own
        sightings = self._tracker.update(step, without_duplicates(found), scene)
        self._flows = {one.track: self._flow(image, one) for one in sightings}
        return sightings

    def _find(self, image: NDArray[np.uint8], look: Look) -> list[Detection]:
        """A known face, followed, or whatever is found around it; of a face that is no person yet, itself alone."""
        flow = self._flows.get(look.track)
        followed = flow.follow(image) if flow is not None else None
        if followed is not None:
            return [followed]
        seen = self._detector.detect(image, look.region, mirrored=look.mirrored)
        return seen if look.track else [one for one in seen if _is_at(one, look)][:1]

    def _flow(self, image: NDArray[np.uint8], sighting: Sighting) -> FaceFlow:
        """What goes on following a face, or begins to where it was detected."""
        flow = self._flows.get(sighting.track)
        return flow if flow is not None and flow.last is sighting.detection else FaceFlow(image, sighting.detection)


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
