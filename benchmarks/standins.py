"""Rivals' networks behind mediapipe's detector on every picture: stand-ins for speed only, with random weights.

    python -m benchmarks.standins hsemotion_b0|deepface MEDIA
    python -m benchmarks.standins recognition

The first form reads a recording and recognises the best face of every picture; the second times recognition alone, from
a crop to probabilities, one crop at a time, of both and of this project's own networks in turn. JSON goes to standard
output; start-up apart.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from benchmarks import graphs
from benchmarks.floor import Floor
from benchmarks.libraries import Pixels, face_detector, image_of, pictures
from benchmarks.spent import Spent
from benchmarks.work import Advance
from service.representation import CROP_SIZE

_TIMES = 100
_MEAN, _SPREAD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def prepare_hsemotion(face: Pixels) -> NDArray[np.float32]:
    """224 pixels, colours normalised as for ImageNet, channels first."""
    scaled = cv2.resize(face, (224, 224)).astype(np.float32) / 255
    return np.ascontiguousarray(((scaled - _MEAN) / _SPREAD).transpose(2, 0, 1)[None], np.float32)


def prepare_deepface(face: Pixels) -> NDArray[np.float32]:
    """48 pixels, grey."""
    return np.asarray(cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (48, 48))[None, None] / np.float32(255))


STANDINS: dict[str, tuple[Callable[[], tuple[Any, int]], Callable[[Pixels], NDArray[np.float32]]]] = {
    "hsemotion_b0": (graphs.hsemotion_b0, prepare_hsemotion),
    "deepface": (graphs.deepface, prepare_deepface),
}


def load(name: str) -> Callable[[NDArray[np.float32]], Any]:
    """A stand-in's network, on one core."""
    model, _ = STANDINS[name][0]()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda crop: session.run(None, {"input": crop})


def watch(name: str, media: bytes) -> dict[str, float]:
    """Detect and recognise on every picture of a recording."""
    recognise, prepare, detector = load(name), STANDINS[name][1], face_detector()
    count = faces = 0
    began, cpu_began = time.perf_counter(), time.process_time()
    for image in pictures(media, Spent(), sound=False):
        count += 1
        found = detector.detect(image_of(image)).detections
        if found:
            recognise(prepare(_face(image, found[0].bounding_box)))
            faces += 1
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    detector.close()
    return {"pictures": count, "faces": faces, "seconds": seconds, "cpu_seconds": cpu_seconds}


def recognition() -> dict[str, float]:
    """Median seconds from a crop to probabilities, each network in turn."""
    crop = np.random.default_rng(0).integers(0, 255, (CROP_SIZE, CROP_SIZE, 3), np.uint8)
    calls: dict[str, Callable[[], object]] = {}
    for name, (_, prepare) in STANDINS.items():
        calls[name] = _bound(load(name), prepare(crop))
    with Floor() as floor:
        grey = crop[None, ..., 0].copy()

        def with_step() -> None:
            floor.encode(grey)
            floor.advance(Advance(1, 1))

        calls |= {"attune": lambda: floor.encode(grey), "attune_with_step": with_step}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(_TIMES):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - began)
    return {name: median(taken) for name, taken in times.items()}


def _bound(call: Callable[[NDArray[np.float32]], object], crop: NDArray[np.float32]) -> Callable[[], object]:
    return lambda: call(crop)


def _face(image: Pixels, box: Any) -> Pixels:
    """The detector's box, cut to the picture."""
    top, left = max(0, box.origin_y), max(0, box.origin_x)
    return image[top : max(top + 1, box.origin_y + box.height), left : max(left + 1, box.origin_x + box.width)]


if __name__ == "__main__":
    cv2.setNumThreads(1)
    name, *files = sys.argv[1:]
    print(json.dumps(recognition() if name == "recognition" else watch(name, Path(files[0]).read_bytes())))
