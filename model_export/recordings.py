"""Recordings whose names give a label, and what the service's own decoding and perception make of them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_export.speech_names import Utterance, read_name
from service.domain import Step
from service.errors import AttuneError
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.representation import LABELS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file and what its name says of it."""

    path: Path
    utterance: Utterance
    label: int
    """Index of one of the seven."""


@dataclass(frozen=True, slots=True)
class Perceived:
    """All steps of a recording. Without any where it could not be read."""

    steps: list[Step]
    has_video: bool
    has_audio: bool


def labelled_recordings(folders: Sequence[Path]) -> list[LabelledFile]:
    """The files below `folders` (or named by them) whose names give one of the seven labels, by path.

    Calm and boredom, which are none of the seven, are left out. Raises ValueError where nothing is left.
    """
    paths = {path for folder in folders for path in ([folder] if folder.is_file() else folder.rglob("*"))}
    found = []
    for path in sorted(paths):
        name = read_name(path)
        if name is not None and name.label is not None and path.is_file():
            found.append(LabelledFile(path, name, LABELS.index(name.label)))
    if not found:
        raise ValueError(f"no file in {', '.join(map(str, folders))} has a name that gives one of the seven labels")
    return found


def perceive_file(path: Path, detector: FaceDetector) -> Perceived:
    """What perception makes of a file, of its faces the largest alone; one that cannot be read gives the steps before
    the damage, and a warning."""
    steps: list[Step] = []
    has_video = has_audio = True
    try:
        with path.open("rb") as source, decode(source) as media:
            has_video, has_audio = media.has_video, media.has_audio
            steps.extend(perceive(media, detector, faces="largest"))
    except AttuneError as error:
        logger.warning("%s: %s", path, error.detail)
    return Perceived(steps, has_video, has_audio)


def told(recordings: Sequence[LabelledFile]) -> Iterator[LabelledFile]:
    """`recordings`, saying in the log how many are done."""
    for number, recording in enumerate(recordings, start=1):
        yield recording
        if number % 100 == 0 or number == len(recordings):
            logger.info("%d of %d recordings", number, len(recordings))
