"""Speech alone on speakers and corpora that a network never heard: one training for each group left out."""

import json
import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from model_export.calibration import UNCERTAIN_BELOW, best_temperature
from model_export.fusion_data import SequenceMaker
from model_export.fusion_material import LONGEST, Clips, load_clips, scored_on, speaker_of
from model_export.fusion_scores import clip_sequences, distributions
from model_export.fusion_stages import train_speech
from model_export.metrics import Predictions, score
from model_export.train_fusion import BATCH, SPEECH, train_stage

logger = logging.getLogger(__name__)

FOLDS: Final[dict[str, tuple[str, ...]]] = {
    "ravdess 1": ("ravdess-02", "ravdess-07", "ravdess-12", "ravdess-17"),
    "ravdess 2": ("ravdess-03", "ravdess-08", "ravdess-13", "ravdess-18"),
    "ravdess 3": ("ravdess-04", "ravdess-09", "ravdess-14", "ravdess-19"),
    "ravdess 4": ("ravdess-05", "ravdess-10", "ravdess-15", "ravdess-20"),
    "ravdess 5": ("ravdess-06", "ravdess-11", "ravdess-16"),
    "savee DC": ("savee-DC",),
    "savee JE": ("savee-JE",),
    "savee JK": ("savee-JK",),
    "emodb 1": tuple(f"emodb-{number:02d}" for number in (3, 8, 9, 10, 13)),
    "emodb 2": tuple(f"emodb-{number:02d}" for number in (11, 12, 14, 15, 16)),
    "savee": ("savee-DC", "savee-JE", "savee-JK"),
    "emodb": tuple(f"emodb-{number:02d}" for number in (3, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
}
"""The speakers left out of each training. Women and men (even and odd actors) are in every fold of RAVDESS."""


def answer_folds(data_dir: Path, work_dir: Path, seed: int) -> dict[str, Predictions]:
    """What is said of each group by a network that was trained on all other speakers.

    A fold whose answers are in `work_dir` is not trained again.
    """
    clips = load_clips(data_dir, work_dir, seed)
    found = {}
    for name, speakers in FOLDS.items():
        file = work_dir / f"fold_{name.replace(' ', '_')}_{seed}.npz"
        if not file.exists():
            logger.info("training without %s", ", ".join(speakers))
            answers = _train_without(clips, speakers, seed)
            np.savez(file, probabilities=answers.probabilities, labels=answers.labels)
        with np.load(file) as stored:
            found[name] = Predictions(stored["probabilities"], stored["labels"])
        logger.info("%s: accuracy %.3f", name, score(found[name], 0)["accuracy"])
    return found


def score_folds(found: dict[str, Predictions]) -> dict[str, Any]:
    """Scores of each group, and of all groups of RAVDESS actors together.

    One temperature for each group, fitted on what is said of the groups of RAVDESS actors but for its own, calibrates
    its answers.
    """
    cooled = {name: _cooled(answers, _actors(found, but=name)) for name, answers in found.items()}
    scored = {"ravdess": _actors(cooled)} | cooled
    return {name: score(answers, UNCERTAIN_BELOW) for name, answers in scored.items()}


def write_folds(data_dir: Path, work_dir: Path, seed: int, report: Path) -> None:
    """Write the scores of all folds as JSON."""
    report.write_text(json.dumps(score_folds(answer_folds(data_dir, work_dir, seed)), indent=1) + "\n")


def _actors(found: dict[str, Predictions], but: str = "") -> Predictions:
    """The answers about all groups of RAVDESS actors together, but for one."""
    groups = [answers for name, answers in found.items() if name.startswith("ravdess") and name != but]
    return Predictions(
        np.concatenate([answers.probabilities for answers in groups]),
        np.concatenate([answers.labels for answers in groups]),
    )


def _cooled(answers: Predictions, others: Predictions) -> Predictions:
    """`answers` by the temperature that suits `others`."""
    logits, known = (torch.from_numpy(one.probabilities).log() for one in (answers, others))
    temperature = best_temperature(known, torch.from_numpy(others.labels))
    return Predictions(torch.softmax(logits / temperature, dim=1).numpy(), answers.labels)


def _train_without(clips: Clips, speakers: tuple[str, ...], seed: int) -> Predictions:
    known = [clip for clip in clips if speaker_of(clip) not in speakers]
    unknown = scored_on(clips, speakers)
    network = train_speech(known, 1, seed)
    maker = SequenceMaker(known, {}, None, LONGEST, 1)
    network = train_stage(network, [maker.draw_speech] * BATCH, SPEECH, seed)
    return distributions(network, clip_sequences(SequenceMaker(unknown, {}, None, 10**6, 1), len(unknown), "audio"))
