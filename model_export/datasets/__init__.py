"""Labelled recordings that people have, found on disk as they are published; nothing here downloads anything."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from model_export.datasets.afew import find_afew
from model_export.datasets.clip import DatasetClip
from model_export.datasets.cremad import find_cremad, find_cremad_perceived
from model_export.datasets.enterface import find_enterface
from model_export.datasets.folders import find_folders
from model_export.datasets.ravdess import find_ravdess
from model_export.datasets.splits import with_splits

__all__ = ["DATASETS", "DatasetClip", "find_clips"]

DATASETS: Final[dict[str, Callable[[Path], list[DatasetClip]]]] = {
    "afew": find_afew,
    "ravdess": find_ravdess,
    "cremad": find_cremad,
    "cremad-perceived": find_cremad_perceived,
    "enterface": find_enterface,
    "folders": find_folders,
}
"""What finds the clips of each data set below a folder."""


def find_clips(name: str, folder: Path) -> list[DatasetClip]:
    """The clips of the data set `name` below `folder`, by key, each in a split.

    Raises ValueError for a name not in `DATASETS`, a folder that is none, and one without any such clip.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no data set {name}; known are {', '.join(DATASETS)}")
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    clips = sorted(DATASETS[name](folder), key=lambda clip: clip.key)
    if not clips:
        raise ValueError(f"{folder} holds no labelled video of {name}")
    return with_splits(clips)
