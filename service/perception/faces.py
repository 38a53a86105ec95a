"""Pictures to faces: scenes, detection, tracks, crops, one picture at a time."""

import numpy as np
from numpy.typing import NDArray

from service.domain import Face, FaceChoice
from service.perception.crops import crop_face
from service.perception.detector import Detection, FaceDetector, intersection_over_union, without_duplicates
from service.perception.scenes import SceneDetector
from service.perception.tracker import SEARCHED, Sighting, Tracker

SEARCH_EVERY = 10
"""Steps from one search of the whole picture to the next; between them only known faces are looked for."""

FOUND = 0.6
"""Score above which a face found beside another one needs no search of its own."""

STAY = 1.2
"""Ratio of areas by which another face must be larger to take over as the largest."""


class FaceFinder:
    """Turns each step's picture into its faces. Depends on steps and pictures only."""

    def __init__(self, detector: FaceDetector, faces: FaceChoice = "all") -> None:
        self._detector = detector
        self._largest = Largest() if faces == "largest" else None
        self._scenes = SceneDetector()
        self._tracker = Tracker()
        self._scene = 0
        self._next_search = 0
        self._image: NDArray[np.uint8] | None = None
        self._faces: tuple[Face, ...] = ()

    def push(self, step: int, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Faces of confirmed people on the picture of `step`; the same object again is a held picture, not searched."""
        if image is not self._image:
            self._image = image
            sightings = self._look(step, image)
            if self._largest is not None:
                sightings = self._largest.choose(step, sightings)
            self._faces = tuple(Face(one.track, one.box, crop_face(image, one.detection)) for one in sightings)
        return self._faces

    def _look(self, step: int, image: NDArray[np.uint8]) -> list[Sighting]:
        scene = self._scenes.push(step, image)
        found: list[Detection] = []
        if step >= self._next_search or scene != self._scene:
            found = self._detector.detect(image)
            # The next multiple, so that a search does not depend on when the one before it happened.
            self._next_search = (step // SEARCH_EVERY + 1) * SEARCH_EVERY
        self._scene = scene
        for region in self._tracker.regions(step, scene):
            if not any(known.score > FOUND and intersection_over_union(known.box, region) > 0.5 for known in found):
                found += self._detector.detect(image, region)
        return self._tracker.update(step, without_duplicates(found), scene)


class Largest:
    """Narrows people down to one, id 1: whoever has the largest face, with some constancy."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, float]] = {}
        """Last step and area of each face seen lately, by track."""
        self._current = 0

    def choose(self, step: int, sightings: list[Sighting]) -> list[Sighting]:
        """The sighting of the largest face, as track 1; none while that face is missed for a moment."""
        self._seen = {track: seen for track, seen in self._seen.items() if step - seen[0] <= SEARCHED}
        self._seen |= {one.track: (step, one.box.width * one.box.height) for one in sightings}
        if not self._seen:
            return []
        best = max(self._seen, key=lambda track: (self._seen[track][1], -track))
        if self._current not in self._seen or self._seen[best][1] > STAY * self._seen[self._current][1]:
            self._current = best
        return [Sighting(1, one.box, one.detection) for one in sightings if one.track == self._current]
