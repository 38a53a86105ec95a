"""Scores the exported ONNX files through the service's own engine, perception and analyser; needs no torch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model_export.face_votes import VOTE_COLUMNS, clear_majority
from model_export.metrics import Predictions, score
from model_export.recordings import LabelledFile, labelled_recordings, perceive_file, told
from service.analysis import Recording
from service.assets import face_detector_path
from service.domain import MediaInfo, Step
from service.engine import Engine
from service.perception.detector import FaceDetector
from service.representation import CROP_SIZE, LABELS, STEP_RATE
from service.timeline import AnalysisResult

_BATCH: Final = 64
_UNKNOWN: Final = np.full(len(LABELS), np.nan)

_VIDEO_ONLY: Final = "02"
_WITH_SOUND: Final = "01"
"""First numbers of RAVDESS names: the same performance without and with its sound."""


def evaluate_faces(engine: Engine, archive: Path) -> dict[str, Any]:
    """Every clear-majority face of the .npz as one silent step straight through both networks; the encoder's own head
    under `encoder`. Raises ValueError for an archive without such faces."""
    with np.load(archive) as stored:
        if not {"images", "votes"} <= set(stored.files):
            raise ValueError(f"{archive.name} lacks images or votes")
        images, votes = stored["images"], stored["votes"]
    if images.dtype != np.uint8 or images.shape[1:] != (CROP_SIZE, CROP_SIZE):
        raise ValueError(f"images of {archive.name} are {images.dtype} {images.shape}, not uint8 [N, 48, 48]")
    if votes.shape != (len(images), len(VOTE_COLUMNS)):
        raise ValueError(f"votes of {archive.name} are {votes.shape}, not [N, {len(VOTE_COLUMNS)}]")
    rows, labels = clear_majority(votes)
    if not len(rows):
        raise ValueError(f"{archive.name} has no face with a clear majority")
    whole, own = [], []
    for start in range(0, len(rows), _BATCH):
        faces = engine.encode(images[rows[start : start + _BATCH]])
        inputs = engine.silence(people=len(faces.embedding), steps=1)
        inputs.face[:, 0] = faces.embedding
        inputs.face_present[:] = 1
        whole.append(engine.advance(inputs).overall[:, 0])
        own.append(faces.probabilities)
    below = engine.fusion.uncertain_below
    scores = score(Predictions(np.concatenate(whole).astype(np.float64), labels), below)
    scores["encoder"] = score(Predictions(np.concatenate(own).astype(np.float64), labels), below)
    return scores


def evaluate_speech(engine: Engine, folders: Sequence[Path]) -> dict[str, Any]:
    """Every recording below `folders` whose name says its label, by sound alone; by corpus under `corpora`, and by
    gender, where that is known, under `genders`."""
    recordings = labelled_recordings(folders)
    with FaceDetector(face_detector_path()) as detector:
        rows = [answer_of(engine, _sound(perceive_file(one.path, detector).steps)) for one in told(recordings)]
    return _scores(rows, recordings, engine.fusion.uncertain_below)


def evaluate_clips(engine: Engine, folders: Sequence[Path]) -> dict[str, Any]:
    """Every video below `folders` whose name says its label: by its sound (`audio`), by its pictures (`video`) and by
    `both`. What has no sound track at all is scored by `video` alone, what has no pictures by `audio` alone."""
    ways: dict[str, list[tuple[LabelledFile, NDArray[np.float64]]]] = {"audio": [], "video": [], "both": []}
    with FaceDetector(face_detector_path()) as detector:
        for one in told(_without_copies(labelled_recordings(folders))):
            perceived = perceive_file(one.path, detector)
            if perceived.has_audio:
                ways["audio"].append((one, answer_of(engine, _sound(perceived.steps))))
            if perceived.has_video:
                ways["video"].append((one, answer_of(engine, _pictures(perceived.steps))))
            if perceived.has_audio and perceived.has_video:
                ways["both"].append((one, answer_of(engine, perceived.steps)))
    below = engine.fusion.uncertain_below
    return {
        way: _scores([row for _, row in answers], [one for one, _ in answers], below)
        for way, answers in ways.items()
        if answers
    }


def _without_copies(recordings: list[LabelledFile]) -> list[LabelledFile]:
    """RAVDESS comes with each video twice, once without its sound, which is the same performance again."""
    stems = {one.path.stem for one in recordings}
    return [
        one
        for one in recordings
        if not (
            one.utterance.corpus == "ravdess"
            and one.path.stem.startswith(_VIDEO_ONLY)
            and one.path.stem.replace(_VIDEO_ONLY, _WITH_SOUND, 1) in stems
        )
    ]


def _scores(rows: list[NDArray[np.float64]], recordings: list[LabelledFile], below: float) -> dict[str, Any]:
    predictions = Predictions(np.stack(rows), np.array([one.label for one in recordings]))
    scores = score(predictions, below)
    groups: dict[str, list[str | None]] = {
        "corpora": [one.utterance.corpus for one in recordings],
        "genders": [one.utterance.gender for one in recordings],
    }
    for name, values in groups.items():
        scores[name] = {
            value: score(predictions.where(np.array([other == value for other in values])), below)
            for value in sorted({value for value in values if value is not None})
        }
    return scores


def _sound(steps: Sequence[Step]) -> list[Step]:
    return [replace(step, faces=()) for step in steps]


def _pictures(steps: Sequence[Step]) -> list[Step]:
    return [replace(step, mel=None, speech=False) for step in steps]


def answer_of(engine: Engine, steps: Sequence[Step]) -> NDArray[np.float64]:
    """Distribution [7] of the person with the longest timeline, by the service's own analyser; NaN without evidence."""
    recording = Recording(engine)
    recording.push(steps)
    result = recording.finish(MediaInfo(len(steps) / STEP_RATE, 0, 0, 0, has_video=True, has_audio=True))
    return _leading(result)


def _leading(result: AnalysisResult) -> NDArray[np.float64]:
    people = [person for person in result.people if person.summary.probabilities is not None]
    if not people:
        return _UNKNOWN
    leading = max(people, key=lambda person: len(person.timeline))
    assert leading.summary.probabilities is not None  # noqa: S101  (filtered above)
    return np.array([leading.summary.probabilities[label] for label in LABELS])
