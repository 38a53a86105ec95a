"""Scenes between hard cuts: behind a cut, places in the picture mean nothing."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.perception.levels import correlation, spread
from service.perception.packing import pack, unpack
from service.representation import ABSENCE, STEP_RATE

CUT_BELOW = 0.4
"""Correlation of two neighbouring pictures below which there is a cut. Without one it stays above 0.6 in the moving
camera of a stage recording and above 0.95 for a talking head; at that recording's cuts it is 0.0 to 0.26."""

SAME_ABOVE = 0.7
"""Correlation with the last picture of an earlier scene above which that scene goes on."""

MEMORY = round(ABSENCE * STEP_RATE)
"""Steps for which an earlier scene is remembered."""

MAX_SCENES = 3
"""Scenes remembered at once, the one on show included: two cameras and something between them."""

_SIDE = 24
_SAMPLES = 96
_FLAT = 4.0  # grey levels; below this spread a picture has no structure to compare


class SceneDetector:
    """Numbers the scenes of a stream.

    Each picture is compared, tiny, grey and normalised, with the one before: a flash is no cut, and pictures without
    structure (black, white) are passed over. A scene that is back within `MEMORY` steps keeps its number, unless
    `MAX_SCENES` others were on show since.
    """

    def __init__(self) -> None:
        self._scene = 0
        self._newest = 0
        self._last: dict[int, tuple[int, NDArray[np.uint8]]] = {}
        """Step and grey levels of the last picture, by scene; whole numbers, so that a snapshot holds all of it."""

    def push(self, step: int, image: NDArray[np.uint8]) -> int:
        """Take the next picture, RGB [h, w, 3]; return the number of its scene. Steps rise."""
        # A sample of the pixels is enough, and 20 times faster.
        sample = cv2.resize(image, (_SAMPLES, _SAMPLES), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(sample, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
        if spread(grey) < _FLAT:
            return self._scene
        self._last = {
            scene: seen for scene, seen in self._last.items() if scene == self._scene or step - seen[0] <= MEMORY
        }
        if self._scene in self._last and correlation(self._last[self._scene][1], grey) < CUT_BELOW:
            likeness = {scene: correlation(seen, grey) for scene, (_, seen) in self._last.items()}
            best = max(likeness, key=lambda scene: likeness[scene])
            if likeness[best] > SAME_ABOVE:
                self._scene = best
            else:
                self._newest += 1
                self._scene = self._newest
        self._last[self._scene] = (step, grey)
        if len(self._last) > MAX_SCENES:
            del self._last[min(self._last, key=lambda scene: self._last[scene][0])]
        return self._scene

    def snapshot(self) -> dict[str, Any]:
        """Everything that later results depend on, for JSON."""
        last = [[scene, step, pack(grey)] for scene, (step, grey) in self._last.items()]
        return {"scene": self._scene, "newest": self._newest, "last": last}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `snapshot`."""
        self._scene, self._newest = state["scene"], state["newest"]
        self._last = {scene: (step, unpack(text, _SIDE, _SIDE)) for scene, step, text in state["last"]}
