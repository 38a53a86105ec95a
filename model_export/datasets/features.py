"""What the service's own decoding and perception make of clips, kept in one file for each, so that it is done once."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from model_export.datasets.clip import DatasetClip
from model_export.datasets.recode import recode
from service.assets import face_detector_path
from service.domain import Box, Face, Step
from service.errors import AttuneError, UnsupportedMedia
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP, REPRESENTATION_VERSION

logger = logging.getLogger(__name__)

_MOST_WORKERS: Final = 8


@dataclass(frozen=True, slots=True)
class ClipFeatures:
    """T steps of one clip: its largest face and its sound."""

    crops: NDArray[np.uint8]
    """[F, 48, 48], of the steps with a face."""
    face: NDArray[np.bool_]
    """[T], F of them true."""
    mel: NDArray[np.float16]
    """[T, 4, 64], zeros without sound."""
    sound: NDArray[np.bool_]
    """[T], whether there is any."""
    speech: NDArray[np.bool_]
    """[T], whether it is speech."""

    def steps(self) -> list[Step]:
        """The steps again, as the analyser takes them; where in the picture the face was is not kept."""
        crops = iter(self.crops)
        everywhere = Box(0.0, 0.0, 1.0, 1.0)
        return [
            Step(
                index,
                (Face(1, everywhere, next(crops)),) if self.face[index] else (),
                self.mel[index].astype(np.float32) if self.sound[index] else None,
                bool(self.speech[index]),
            )
            for index in range(len(self.face))
        ]


def extract(clips: Sequence[DatasetClip], cache: Path) -> list[tuple[DatasetClip, Path]]:
    """Perceive every clip that is not in the folder `cache` yet, with a progress bar; -> clips with their files.

    May be interrupted and begun again at any time. A clip that cannot be read is left out, with a warning, and tried
    again the next time; so is one whose file or whose representation has changed.
    """
    wanted = [(clip, _place(clip, cache)) for clip in clips]
    missing = [(clip, file) for clip, file in wanted if not _is_current(file, clip.path)]
    workers = min(len(missing), os.cpu_count() or 1, _MOST_WORKERS)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ExitStack() as stack, Progress(*columns, console=Console(stderr=True)) as bar:
        detectors: SimpleQueue[FaceDetector] = SimpleQueue()
        for _ in range(workers):
            detectors.put(stack.enter_context(FaceDetector(face_detector_path())))
        done = bar.add_task("perceiving", total=len(wanted), completed=len(wanted) - len(missing))
        # Decoding and detection leave Python's lock alone: threads are enough.
        pool = stack.enter_context(ThreadPoolExecutor(max(workers, 1)))
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        for _ in pool.map(lambda pair: _perceive_into(pair[0], pair[1], detectors), missing):
            bar.advance(done)
    return [(clip, file) for clip, file in wanted if file.exists()]


def load(file: Path) -> ClipFeatures:
    """Features that `extract` has written."""
    with np.load(file) as stored:
        return ClipFeatures(**{field.name: stored[field.name] for field in fields(ClipFeatures)})


def perceive_clip(path: Path, detector: FaceDetector) -> ClipFeatures:
    """One clip through the service's decoding and perception, re-coded first where the service refuses its codec.

    Raises AttuneError for what cannot be read.
    """
    with path.open("rb") as source:
        try:
            return _collect(_steps(source, detector))
        except UnsupportedMedia:
            return _collect(_steps(recode(path), detector))


def _steps(source: BinaryIO, detector: FaceDetector) -> Iterator[Step]:
    with decode(source) as media:
        yield from perceive(media, detector, faces="largest")


def _collect(steps: Iterator[Step]) -> ClipFeatures:
    """Steps as arrays; where step numbers jump there is nothing."""
    rows = {step.index: step for step in steps}
    count = max(rows, default=-1) + 1
    crops = [step.faces[0].crop for step in rows.values() if step.faces]
    features = ClipFeatures(
        np.array(crops, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE),
        np.zeros(count, bool),
        np.zeros((count, MELS_PER_STEP, MEL_BINS), np.float16),
        np.zeros(count, bool),
        np.zeros(count, bool),
    )
    for index, step in rows.items():
        features.face[index] = bool(step.faces)
        features.speech[index] = step.speech
        if step.mel is not None:
            features.mel[index] = step.mel
            features.sound[index] = True
    return features


def _perceive_into(clip: DatasetClip, file: Path, detectors: "SimpleQueue[FaceDetector]") -> None:
    detector = detectors.get()
    try:
        features = perceive_clip(clip.path, detector)
    except AttuneError as error:
        logger.warning("%s is left out: %s", clip.path, error.detail)
        file.unlink(missing_ok=True)
        return
    finally:
        detectors.put(detector)
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".part")
    with fresh.open("wb") as out:
        arrays = {field.name: getattr(features, field.name) for field in fields(ClipFeatures)}
        np.savez(out, stamp=_stamp(clip.path), **arrays)
    fresh.replace(file)  # never half a file under the name that counts


def _place(clip: DatasetClip, cache: Path) -> Path:
    return cache / clip.dataset / f"{clip.key}.npz"


def _stamp(source: Path) -> NDArray[np.int64]:
    """What the features depend on."""
    status = source.stat()
    return np.array([REPRESENTATION_VERSION, status.st_size, status.st_mtime_ns], np.int64)


def _is_current(file: Path, source: Path) -> bool:
    try:
        with file.open("rb") as content, np.load(content) as stored:
            return bool(np.array_equal(stored["stamp"], _stamp(source)))
    except (OSError, ValueError, KeyError, BadZipFile):
        return False
