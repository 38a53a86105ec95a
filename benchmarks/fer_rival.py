"""`fer` on every picture of a recording. Runs in an environment of its own, with nothing of this project:

python fer_rival.py MEDIA
"""

import json
import sys
import time

import cv2
from fer.fer import FER


def watch(path: str) -> dict[str, float]:
    """Decode as fer itself does, with OpenCV; detect and recognise with its defaults."""
    cv2.setNumThreads(1)
    recogniser = FER()
    source = cv2.VideoCapture(path)
    pictures = faces = 0
    began, cpu_began = time.perf_counter(), time.process_time()
    while True:
        more, image = source.read()
        if not more:
            break
        pictures += 1
        faces += bool(recogniser.detect_emotions(image))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    return {"pictures": pictures, "faces": faces, "seconds": seconds, "cpu_seconds": cpu_seconds}


if __name__ == "__main__":
    print(json.dumps(watch(sys.argv[1])))
