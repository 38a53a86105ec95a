"""RAVDESS, speech with video (Livingstone and Russo 2018): `Actor_NN/01-01-E-I-S-R-NN.mp4`."""

from pathlib import Path
from typing import Final

from model_export.datasets.clip import DatasetClip, videos
from model_export.speech_names import read_name

_VIDEO_ONLY: Final = "02-"
"""How the names of videos without their sound begin: the same performances as `01-`."""


def find_ravdess(folder: Path) -> list[DatasetClip]:
    """Videos with sound, of the seven labels (calm is none of them), by actor."""
    found = []
    for path, key in videos(folder):
        name = read_name(path)
        if name is None or name.corpus != "ravdess" or name.label is None or path.name.startswith(_VIDEO_ONLY):
            continue
        found.append(DatasetClip("ravdess", path, key, name.label, name.speaker))
    return found
