"""AFEW, the data of the EmotiW challenges (Dhall et al. 2012): scenes of films in Train, Val and Test.

Train and Val have a folder for each of the seven emotions; the labels of Test were never given out, so what of it has
no such folder is left alone. People in Train, Val and Test differ; who they are is not told.
"""

from pathlib import Path

from model_export.datasets.clip import DatasetClip
from model_export.datasets.folders import find_folders


def find_afew(folder: Path) -> list[DatasetClip]:
    """The labelled scenes below `folder` (`Train/Angry/*.avi`, `Val_AFEW/…`).

    Raises ValueError where a scene is in no split: the folder is not AFEW's, or only a part of it.
    """
    clips = find_folders(folder, "afew")
    if astray := [clip.key for clip in clips if clip.split is None]:
        raise ValueError(f"{folder} has no folders Train and Val above the emotions ({astray[0]})")
    return clips
