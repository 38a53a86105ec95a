"""Scenes between hard cuts: behind a cut, places in the picture mean nothing."""

import cv2
import numpy as np
from numpy.typing import NDArray

from service.representation import ABSENCE, STEP_RATE

CUT_BELOW = 0.4
"""Correlation of two neighbouring pictures below which there is a cut. Without one it stays above 0.6 in the moving
camera of a stage recording and above 0.95 for a talking head; at that recording's cuts it is 0.0 to 0.26."""

SAME_ABOVE = 0.7
"""Correlation with the last picture of an earlier scene above which that scene goes on."""

MEMORY = round(ABSENCE * STEP_RATE)
"""Steps for which an earlier scene is remembered."""

_SIDE = 24
_SAMPLES = 96
_FLAT = 4.0  # grey levels; below this spread a picture has no structure to compare


class SceneDetector:
    """Numbers the scenes of a stream.

    Each picture is compared, tiny, grey and normalised, with the one before: a flash is no cut, and pictures without
    structure (black, white) are passed over. A scene that is back within `MEMORY` steps keeps its number.
    """

    def __init__(self) -> None:
        self._scene = 0
        self._newest = 0
        self._last: dict[int, tuple[int, NDArray[np.float32]]] = {}
        """Step and content of the last picture, by scene."""

    def push(self, step: int, image: NDArray[np.uint8]) -> int:
        """Take the next different picture, RGB [h, w, 3]; return the number of its scene."""
        stride = max(1, min(image.shape[:2]) // _SAMPLES)  # a sample of the pixels is enough, and 20 times faster
        small = cv2.resize(image[::stride, ::stride], (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
        spread = float(grey.std())
        if spread < _FLAT:
            return self._scene
        content = (grey - grey.mean()) / np.float32(spread)
        self._last = {
            scene: seen for scene, seen in self._last.items() if scene == self._scene or step - seen[0] <= MEMORY
        }
        likeness = {scene: float(np.mean(seen[1] * content)) for scene, seen in self._last.items()}
        if likeness.get(self._scene, 1.0) < CUT_BELOW:
            best = max(likeness, key=lambda scene: likeness[scene])
            if likeness[best] > SAME_ABOVE:
                self._scene = best
            else:
                self._newest += 1
                self._scene = self._newest
        self._last[self._scene] = (step, content)
        return self._scene
