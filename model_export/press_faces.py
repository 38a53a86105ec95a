"""Press photographs, found with the service's own detector and cut with its own crop code, cached as one .npz."""

import csv
import io
import logging
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from model_export.face_data import Faces
from service.assets import fetch_face_detector
from service.perception.crops import align_crop
from service.perception.detector import FaceDetector
from service.representation import LABELS

logger = logging.getLogger(__name__)

COMMON_LIMIT: Final = 2_000
"""Pictures kept of each of the two most frequent classes, neutral and happy; of the others all are kept."""

LABEL_TRUST: Final = 0.8
"""Share of the target on the given label (one student labeller); the rest is spread evenly."""

HELD_OUT: Final = 5
"""Every fifth person is held out; the unknown persons (-1) are trained on."""


def cut_press_faces(archive: Path, cache: Path) -> tuple[Faces, Faces]:
    """-> (training faces, faces of held-out persons). The cut faces are cached in the file `cache`."""
    if not cache.exists():
        _cut(archive, cache)
    with np.load(cache) as stored:
        images, labels, persons = stored["images"], stored["labels"], stored["persons"]
    spread = (1 - LABEL_TRUST) / len(LABELS)
    faces = Faces(images, (LABEL_TRUST * np.eye(len(LABELS)) + spread)[labels].astype(np.float32))
    held_out = (persons >= 0) & (persons % HELD_OUT == 0)
    return faces.take(np.flatnonzero(~held_out)), faces.take(np.flatnonzero(held_out))


def _cut(archive: Path, cache: Path) -> None:
    images, labels, persons, missed = [], [], [], 0
    counts = dict.fromkeys(LABELS, 0)
    with zipfile.ZipFile(archive) as stored, FaceDetector(fetch_face_detector()) as detector:
        for row in csv.DictReader(io.StringIO(stored.read("labels.csv").decode())):
            label = row["emotion"]
            if label not in LABELS or (label in ("neutral", "happy") and counts[label] >= COMMON_LIMIT):
                continue
            picture = np.array(Image.open(io.BytesIO(stored.read(row["image"]))).convert("RGB"))
            found = detector.detect(picture)
            if not found:
                missed += 1
                continue
            largest = max(found, key=lambda face: face.box.width * face.box.height)
            height, width = picture.shape[:2]
            left, right = (
                (eye[0] * width - 0.5, eye[1] * height - 0.5) for eye in (largest.left_eye, largest.right_eye)
            )
            counts[label] += 1
            images.append(align_crop(picture, left, right))
            labels.append(LABELS.index(label))
            persons.append(int(row["person"]))
    logger.info("cut %d press faces, found none in %d pictures", len(images), missed)
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(cache, images=np.stack(images), labels=np.array(labels), persons=np.array(persons))
