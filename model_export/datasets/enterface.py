"""eNTERFACE'05 (Martin et al. 2006): 42 people, six emotions without neutral, `subject N/anger/sentence 1/*.avi`."""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from model_export.datasets.clip import DatasetClip, label_of, videos

_SUBJECT: Final = re.compile(r"subject[\s_-]*(\d+)", re.IGNORECASE)


def find_enterface(folder: Path) -> list[DatasetClip]:
    """Videos by the folders above them: some files of the published archive are named after another subject."""
    found = []
    for path, key in videos(folder):
        above = PurePosixPath(key).parts[:-1]
        subjects = [match[1] for part in above if (match := _SUBJECT.fullmatch(part))]
        labels = [label for part in above if (label := label_of(part)) is not None]
        if subjects and labels:
            found.append(DatasetClip("enterface", path, key, labels[-1], f"enterface-{int(subjects[-1]):02d}"))
    return found
