"""Any videos, one folder for each emotion; above that, folders of training, validation and test where there are any."""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from model_export.datasets.clip import DatasetClip, Split, label_of, videos

_SPLITS: Final[dict[str, Split]] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def find_folders(folder: Path, dataset: str = "folders") -> list[DatasetClip]:
    """Videos by the nearest folder that is named after an emotion; the others are left alone.

    A folder above it whose name has a word for a split in it (`Train`, `Val_AFEW`) gives the split.
    """
    found = []
    for path, key in videos(folder):
        above = PurePosixPath(key).parts[:-1]
        labels = [label for part in above if (label := label_of(part)) is not None]
        if labels:
            splits = [split for part in above if (split := _split_of(part)) is not None]
            found.append(DatasetClip(dataset, path, key, labels[-1], split=splits[-1] if splits else None))
    return found


def _split_of(name: str) -> Split | None:
    return next((_SPLITS[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _SPLITS), None)
