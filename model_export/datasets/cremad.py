"""CREMA-D (Cao et al. 2014): 91 actors, six emotions without surprise, `VideoFlash/1001_DFA_ANG_XX.flv`.

Each clip has the emotion that was *intended*, in its name, and the one that most raters *perceived* from sound and
picture together, in `processedResults/summaryTable.csv`. They agree on some two thirds of the clips.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from model_export.datasets.clip import DatasetClip, videos
from service.representation import Label

_NAME: Final = re.compile(r"(\d{4})_[A-Z]{3}_(ANG|DIS|FEA|HAP|NEU|SAD)_[A-Z]{2}")
_LABELS: Final[dict[str, Label]] = {
    "A": "angry",
    "D": "disgust",
    "F": "fear",
    "H": "happy",
    "N": "neutral",
    "S": "sad",
}
_TABLE: Final = "summaryTable.csv"


def find_cremad(folder: Path) -> list[DatasetClip]:
    """The clips by the emotion that was intended."""
    return _find(folder, "cremad", lambda stem: _LABELS[stem.split("_")[2][0]])


def find_cremad_perceived(folder: Path) -> list[DatasetClip]:
    """The clips by the emotion that most raters perceived; those without a single such emotion are left out.

    Raises ValueError where the table of votes is missing or has other columns.
    """
    votes = _read_votes(folder)
    return _find(folder, "cremad-perceived", lambda stem: _LABELS.get(votes.get(stem, "")))


def _find(folder: Path, dataset: str, label_of: Callable[[str], Label | None]) -> list[DatasetClip]:
    found: dict[str, DatasetClip] = {}
    for path, key in videos(folder):
        match = _NAME.fullmatch(path.stem)
        label = label_of(path.stem) if match else None
        if match and label is not None and path.stem not in found:  # a clip may be there as .flv and as .mp4
            found[path.stem] = DatasetClip(dataset, path, key, label, f"cremad-{match[1]}")
    return list(found.values())


def _read_votes(folder: Path) -> dict[str, str]:
    """Letters of the majority's emotion, several with colons between them where there is a tie, by name of the clip."""
    tables = sorted(folder.rglob(_TABLE))
    if not tables:
        raise ValueError(f"{folder} has no {_TABLE}: perceived emotions are not there")
    with tables[0].open(newline="", encoding="utf-8-sig") as lines:
        rows = [{name.lower(): value for name, value in row.items() if name} for row in csv.DictReader(lines)]
    if not rows or not {"filename", "multimodalvote"} <= set(rows[0]):
        raise ValueError(f"{tables[0]} has no columns FileName and MultiModalVote")
    return {Path(row["filename"]).stem: row["multimodalvote"].strip() for row in rows}
