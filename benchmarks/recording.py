"""The work of the product on a recording, noted while it does it.

    python -m benchmarks.recording MEDIA WORK

It is the same every time that the same bytes are analysed: media time decides all of it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
from mediapipe.tasks.python import vision

from benchmarks.work import Advance, Crop, Encode, Flow, Look, Patch, Picture, Work
from service.cli.pipeline import Pipeline
from service.cli.sources import open_source
from service.engine import Engine
from service.perception import crops, detector, flow
from service.perception.faces import FaceFinder
from service.representation import DEFAULT_HORIZON
from service.settings import Settings


def record(media: Path) -> Work:
    """Analyse `media` as the command does, and note the calls."""
    with Pipeline(Settings(), "cpu") as pipeline, open_source(str(media)) as source, _recording() as work:
        pipeline.analyse(
            source, faces="all", horizon=DEFAULT_HORIZON, timeline_fps=None, progress=lambda _seconds, _people: None
        )
    return work


@contextmanager
def _recording() -> Iterator[Work]:
    """Note what the product asks of the libraries. Raises RuntimeError where not every call was understood."""
    work, graph, patches = Work(), Counter[str](), list[tuple[int, int, int, int]]()

    def note(target: Any, name: str, take: Any) -> None:
        real = getattr(target, name)

        def noted(*given: Any, **options: Any) -> Any:
            answer = real(*given, **options)
            take(answer, *given)
            return answer

        stack.enter_context(patch.object(target, name, noted))

    def patch_taken(answer: Any, *_: Any) -> None:
        patch_, (left, top) = answer
        patches.append((left, top, patch_.shape[1], patch_.shape[0]))

    def warped(_: Any, shrunk: Any, matrix: Any, *__: Any) -> None:
        work.append(Crop(*patches.pop(), shrunk.shape[1], shrunk.shape[0], matrix.tolist()))

    with ExitStack() as stack:
        real_push = FaceFinder.push

        def push(finder: FaceFinder, step: int, image: Any) -> Any:
            work.append(Picture(step))
            return real_push(finder, step, image)

        stack.enter_context(patch.object(FaceFinder, "push", push))
        note(detector, "cut", lambda cut, _, at, __: work.append(Look(at.left, at.top, at.side, len(cut))))
        note(flow, "cut", lambda cut, _, at, __: work.append(Patch(at.left, at.top, at.side, len(cut))))
        note(cv2, "calcOpticalFlowPyrLK", lambda _, __, ___, points, *____: work.append(Flow(len(points))))
        note(vision.FaceDetector, "detect", lambda *_: graph.update(["runs"]))
        note(crops, "_surroundings", patch_taken)
        note(cv2, "warpAffine", warped)
        note(Engine, "encode", lambda _, __, rows: work.append(Encode(len(rows))))
        note(Engine, "advance", lambda _, __, inputs: work.append(Advance(*inputs.face_present.shape)))
        yield work
    if graph["runs"] != work.counts()["detections"] or patches:
        raise RuntimeError(f"the detector ran {graph['runs']} times, of which {work.counts()} are understood")


def main() -> int:
    """Record the work on one file."""
    parser = argparse.ArgumentParser(description="Record what the product does with a recording.")
    parser.add_argument("media", type=Path)
    parser.add_argument("work", type=Path, help="file to write")
    arguments = parser.parse_args()
    record(arguments.media).save(arguments.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
