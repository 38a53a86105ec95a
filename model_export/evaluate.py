"""Scores the exported ONNX files through the service's own engine, perception and analyser; needs no torch."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model_export.face_votes import clear_majority
from model_export.metrics import Predictions, score
from model_export.speech_names import read_name
from service.analysis import Analyser
from service.assets import face_detector_path
from service.domain import MediaInfo, Step
from service.engine import Engine
from service.errors import AttuneError
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.representation import LABELS, STEP_RATE
from service.timeline import AnalysisResult

logger = logging.getLogger(__name__)

_BATCH: Final = 64
_UNKNOWN: Final = np.full(len(LABELS), np.nan)


def evaluate_faces(engine: Engine, archive: Path) -> dict[str, Any]:
    """Every clear-majority face of the .npz as one silent step straight through both networks; the encoder's own head
    under `encoder`."""
    with np.load(archive) as stored:
        rows, labels = clear_majority(stored["votes"])
        images = stored["images"][rows]
    whole, own = [], []
    for start in range(0, len(images), _BATCH):
        faces = engine.encode(images[start : start + _BATCH])
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
    """Every recording below `folders` whose name says its label, by sound alone; each corpus also under `corpora`."""
    files = labelled_files(folders)
    with FaceDetector(face_detector_path()) as detector:
        rows = [_audio(engine, list(_steps(path, detector))) for path in _told(files)]
    corpora = np.array([_corpus(path) for path in files])
    predictions = Predictions(np.stack(rows), np.array([_label(path) for path in files]))
    below = engine.fusion.uncertain_below
    scores = score(predictions, below)
    scores["corpora"] = {
        str(corpus): score(_where(predictions, corpora == corpus), below) for corpus in np.unique(corpora)
    }
    return scores


def evaluate_clips(engine: Engine, folders: Sequence[Path]) -> dict[str, Any]:
    """Every video below `folders` whose name says its label: `audio` alone, `video` alone, `both`."""
    files = labelled_files(folders)
    ways: dict[str, list[NDArray[np.float64]]] = {"audio": [], "video": [], "both": []}
    with FaceDetector(face_detector_path()) as detector:
        for path in _told(files):
            steps = list(_steps(path, detector))
            ways["audio"].append(_audio(engine, steps))
            ways["video"].append(_answer(engine, [replace(step, mel=None, speech=False) for step in steps]))
            ways["both"].append(_answer(engine, steps))
    labels = np.array([_label(path) for path in files])
    below = engine.fusion.uncertain_below
    return {way: score(Predictions(np.stack(rows), labels), below) for way, rows in ways.items()}


def labelled_files(folders: Sequence[Path]) -> list[Path]:
    """The files below `folders` whose names give one of the seven labels, by path; ValueError if there are none."""
    paths = sorted(path for folder in folders for path in folder.rglob("*"))
    files = [path for path in paths if path.is_file() and _name_label(path) is not None]
    if not files:
        raise ValueError(f"no file in {', '.join(map(str, folders))} has a name that gives one of the seven labels")
    return files


def _name_label(path: Path) -> str | None:
    name = read_name(path)
    return name.label if name is not None else None


def _label(path: Path) -> int:
    label = _name_label(path)
    assert label is not None  # noqa: S101  (labelled_files keeps only such)
    return LABELS.index(label)


def _corpus(path: Path) -> str:
    name = read_name(path)
    return name.corpus if name is not None else "other"


def _told(files: Sequence[Path]) -> Iterator[Path]:
    for number, path in enumerate(files, start=1):
        yield path
        if number % 100 == 0 or number == len(files):
            logger.info("%d of %d recordings", number, len(files))


def _steps(path: Path, detector: FaceDetector) -> Iterable[Step]:
    """What perception makes of a file; one that cannot be read counts as one without evidence."""
    try:
        with path.open("rb") as source, decode(source) as media:
            yield from perceive(media, detector, faces="largest")
    except AttuneError as error:
        logger.warning("%s: %s", path.name, error.detail)


def _audio(engine: Engine, steps: Sequence[Step]) -> NDArray[np.float64]:
    return _answer(engine, [replace(step, faces=()) for step in steps])


def _answer(engine: Engine, steps: Sequence[Step]) -> NDArray[np.float64]:
    """Distribution [7] of the person with the longest timeline, NaN without evidence."""
    analyser = Analyser(engine)
    analyser.push(steps)
    result = analyser.finish(MediaInfo(len(steps) / STEP_RATE, 0, 0, 0, has_video=True, has_audio=True))
    return _leading(result)


def _leading(result: AnalysisResult) -> NDArray[np.float64]:
    people = [person for person in result.people if person.summary.probabilities is not None]
    if not people:
        return _UNKNOWN
    leading = max(people, key=lambda person: len(person.timeline))
    assert leading.summary.probabilities is not None  # noqa: S101  (filtered above)
    return np.array([leading.summary.probabilities[label] for label in LABELS])


def _where(predictions: Predictions, rows: NDArray[np.bool_]) -> Predictions:
    return Predictions(predictions.probabilities[rows], predictions.labels[rows])
