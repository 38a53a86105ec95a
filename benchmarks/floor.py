"""The bare libraries at the work of one analysis, with no service around them: one process, one core.

    python -m benchmarks.floor MEDIA WORK [--one-by-one]

PyAV demultiplexes, decodes and converts; mediapipe's graph runs on the squares that the product looked at; OpenCV cuts,
follows and aligns; onnxruntime runs both networks on as many crops and steps; kaldi-native-fbank hears the sound.
`WORK` is a file that `benchmarks.recording` wrote of the same media. Start-up apart. JSON goes to standard output.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.libraries import Pixels, aligned, face_detector, grey_patch, image_of, motion, pictures, square
from benchmarks.spent import Spent
from benchmarks.work import Advance, Crop, Encode, Flow, Look, Patch, Picture, Work
from service.engine import FusionOutputs
from service.engine.engine import SHIPPED
from service.engine.providers import open_session
from service.representation import WINDOW


class Floor:
    """The libraries, loaded; a context manager."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._detector = face_detector()
        self._encoder, self._fusion = (
            open_session(SHIPPED["cpu"] / f"{name}.onnx", "cpu", threads=1) for name in ("face_encoder", "fusion")
        )
        self._feeds: dict[Advance, dict[str, Any]] = {}
        self._places: dict[tuple[int, int], NDArray[np.float32]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._detector.close()

    def run(self, media: bytes, work: Work) -> Spent:
        """Do all of it once. Raises ValueError where `media` has another number of pictures."""
        spent = Spent()
        began, cpu_began = time.perf_counter(), time.process_time()
        shown = pictures(media, spent, sound=True)
        image: Pixels | None = None
        crops: list[Pixels] = []
        patches: list[Pixels] = []
        for call in work:
            if isinstance(call, Picture):
                image = next(shown, None)
                spent.counts["pictures"] += 1
            elif isinstance(call, Encode):
                with spent.part("encode"):
                    self.encode(np.stack(crops[: call.crops]))
                del crops[: call.crops]
                spent.counts["crops_encoded"] += call.crops
            elif isinstance(call, Advance):
                with spent.part("step"):
                    self.advance(call)
                spent.counts["steps"] += call.people * call.steps
            elif image is None:
                raise ValueError("the media has fewer pictures than the work")
            elif isinstance(call, Look):
                with spent.part("detect"):
                    self._detector.detect(image_of(square(image, call)))
                spent.counts["detections"] += 1
            elif isinstance(call, Patch):
                with spent.part("follow"):
                    patches = [*patches[-1:], grey_patch(image, call)]
            elif isinstance(call, Flow):
                with spent.part("follow"):
                    self.follow(patches, call)
                spent.counts["followed"] += 1
            elif isinstance(call, Crop):
                with spent.part("crop"):
                    crops.append(aligned(image, call))
                spent.counts["crops"] += 1
        if image is None or next(shown, None) is not None:
            raise ValueError("the media has not as many pictures as the work")
        spent.seconds, spent.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        return spent

    def follow(self, patches: list[Pixels], call: Flow) -> None:
        """The motion between the last two patches; of patches of two sizes, between the newer one and itself."""
        before, after = patches[0], patches[-1]
        places = self._places.setdefault((len(after), call.points), _places(len(after), call.points))
        motion(before if before.shape == after.shape else after, after, places)

    def encode(self, crops: Pixels) -> None:
        """One run of the face encoder."""
        self._encoder.run(["embedding", "probabilities"], {"crops": crops})

    def advance(self, call: Advance) -> None:
        """One run of the other network, on faces and speech, that goes on from the last one of this size."""
        if call not in self._feeds:
            self._feeds[call] = self._feed(call)
        feed = self._feeds[call]
        *_, feed["state"] = self._fusion.run(list(FusionOutputs.__slots__), feed)

    def _feed(self, call: Advance) -> dict[str, Any]:
        sizes = {"batch": call.people, "steps": call.steps, "heard_steps": WINDOW - 1 + call.steps}
        feed = {
            one.name: np.zeros([sizes.get(length, length) for length in one.shape], np.float32)
            for one in self._fusion.get_inputs()
        }
        for flags in ("face_present", "sound_present", "heard"):
            feed[flags][:] = 1
        return feed


def _places(side: int, count: int) -> NDArray[np.float32]:
    """So many places [n, 2] on a patch, spread evenly over its middle."""
    columns = 4
    rows = -(-count // columns)
    y, x = np.mgrid[1 : rows + 1, 1 : columns + 1]
    return np.stack([x.ravel() / (columns + 1), y.ravel() / (rows + 1)], axis=1)[:count].astype(np.float32) * side


def main() -> int:
    """Do the work once and say what it took."""
    parser = argparse.ArgumentParser(description="The bare libraries at recorded work.")
    parser.add_argument("media", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--one-by-one", action="store_true", help="every crop and step in a run of its own")
    arguments = parser.parse_args()
    work = Work.load(arguments.work)
    with Floor() as floor:
        spent = floor.run(arguments.media.read_bytes(), work.one_by_one() if arguments.one_by_one else work)
    json.dump(asdict(spent), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
