"""One labelled recording of a data set, and the words that data sets have for the seven labels."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from service.representation import LABELS, Label

Split = Literal["train", "val", "test"]

VIDEOS: Final = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".flv", ".mpg", ".mpeg", ".ts", ".wmv", ".3gp")
"""Suffixes of what is taken for a video, in any case."""

_WORDS: Final[dict[str, Label]] = {
    **{label: label for label in LABELS},
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


@dataclass(frozen=True, slots=True)
class DatasetClip:
    """A recording and what its data set says of it."""

    dataset: str
    path: Path
    key: str
    """Unique within the data set: the path below its folder, with forward slashes."""
    label: Label
    speaker: str | None = None
    """Unique within the data set; None where it does not tell."""
    split: Split | None = None
    """None where the data set has no splits of its own."""


def label_of(word: str) -> Label | None:
    """The label that a data set's word stands for, in any case; None for every other word."""
    return _WORDS.get(word.strip().lower())


def videos(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every video below `folder` with its key, in order."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in VIDEOS and path.is_file():
            yield path, path.relative_to(folder).as_posix()
