"""Fine-tuning of the shipped attention-LSTM on real videos; the face encoder stays as it is.

The protocol is that of the EmotiW challenges: train on Train, choose on Val by seven-class accuracy, report. What is
chosen between are the weights after each of some short cycles, and the shipped weights themselves, so that what comes
out is on Val never worse than what went in.
"""

import copy
import json
import logging
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from model_export.calibration import calibrate
from model_export.datasets import DatasetClip, find_clips
from model_export.datasets.features import extract, load
from model_export.evaluate import answer_of
from model_export.export import Release, export_fusion
from model_export.fusion_network import FusionNetwork
from model_export.fusion_scores import WAYS, predict
from model_export.metrics import Predictions, score
from model_export.real_sequences import RealClip, RealSequences, embed, whole_sequence
from model_export.restore import restore_fusion
from model_export.train_fusion import BATCH, FusionRecipe, train_stage
from service.engine import Engine
from service.representation import LABELS

logger = logging.getLogger(__name__)

CYCLE: Final = FusionRecipe(steps=200, peak_rate=5e-4, averaging=0.98)
CYCLES: Final = 4

Parts = dict[tuple[str, str], list[RealClip]]
"""Clips by data set and split."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The best network so far and its seven-class accuracy where it is chosen."""

    network: FusionNetwork
    accuracy: float


def finetune(
    data: dict[str, Path],
    work_dir: Path,
    weights: Path,
    out: Path,
    seed: int,
    *,
    recipe: FusionRecipe = CYCLE,
    cycles: int = CYCLES,
) -> dict[str, Any]:
    """Train on the `train` part of every data set (name to folder), choose and calibrate on the `val` part of the
    first, and write face_encoder.onnx, fusion.onnx and scores.json into the folder `out`.

    Returns what scores.json holds: scores of the written files, through the service's own analyser, by data set and
    split (`val`, `test`). Features are kept in `work_dir`. Raises ValueError for data sets that are not there or too
    small, and for weights of another network.
    """
    network = restore_fusion(weights / "fusion.onnx")
    engine = Engine.load(weights, "cpu")
    parts = gather(data, work_dir, engine)
    first = next(iter(data))
    train = [clip for (_, split), clips in parts.items() if split == "train" for clip in clips]
    chosen_on = parts.get((first, "val"), [])
    if not chosen_on:
        raise ValueError(f"{first} has no clip to choose on")
    logger.info("fine-tuning on %d clips, choosing on %d of %s", len(train), len(chosen_on), first)
    chosen = choose(network, RealSequences(train), chosen_on, seed, recipe, cycles)
    calibrate(chosen, [[whole_sequence(clip, way) for clip in chosen_on] for way in WAYS])
    _write(chosen, engine, weights, out, data)
    report = _scores(Engine.load(out, "cpu"), parts)
    (out / "scores.json").write_text(json.dumps(report, indent=1) + "\n")
    return report


def gather(data: dict[str, Path], work_dir: Path, engine: Engine) -> Parts:
    """Every clip of the data sets, perceived (or taken from the cache) and with its faces embedded."""
    parts: Parts = defaultdict(list)
    for name, folder in data.items():
        found: list[tuple[DatasetClip, Path]] = extract(find_clips(name, folder), work_dir / "perceived")
        for clip, file in found:
            assert clip.split is not None  # noqa: S101  (find_clips gives every clip one)
            features = load(file)
            if len(features.face):
                parts[name, clip.split].append(embed(engine, features, LABELS.index(clip.label)))
    return dict(parts)


def choose(
    network: FusionNetwork,
    train: RealSequences,
    held_out: Sequence[RealClip],
    seed: int,
    recipe: FusionRecipe,
    cycles: int,
) -> FusionNetwork:
    """The best on `held_out` of `network` as it is and after each cycle; the earliest of equals."""
    best = Choice(network, accuracy(network, held_out))
    logger.info("before: accuracy %.3f", best.accuracy)
    network = copy.deepcopy(network)
    network.cooling.zero_()  # training is on logits as they are; temperatures are fitted again
    for cycle in range(cycles):
        network = train_stage(
            copy.deepcopy(network),
            [train.draw] * BATCH,
            recipe,
            seed + cycle,
            lambda trained: f"accuracy {accuracy(trained, held_out):.3f}",
        )
        found = accuracy(network, held_out)
        if found > best.accuracy:
            best = Choice(network, found)
    logger.info("chosen: accuracy %.3f", best.accuracy)
    return best.network


def accuracy(network: FusionNetwork, clips: Sequence[RealClip]) -> float:
    """Seven-class accuracy over whole clips, by sound and picture."""
    answers = predict(network, [whole_sequence(clip) for clip in clips])[0]
    return float((answers.argmax(axis=1) == [clip.label for clip in clips]).mean())


def _write(network: FusionNetwork, engine: Engine, weights: Path, out: Path, data: dict[str, Path]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() != weights.resolve():
        shutil.copyfile(weights / "face_encoder.onnx", out / "face_encoder.onnx")
    shipped = engine.fusion
    release = Release(
        version=f"{shipped.version}+{'.'.join(data)}",
        training_data=f"{shipped.training_data} Fine-tuned on {', '.join(data)}.",
        uncertain_below=shipped.uncertain_below,
        name=shipped.name,
    )
    export_fusion(network, out / "fusion.onnx", release)


def _scores(engine: Engine, parts: Parts) -> dict[str, Any]:
    report: dict[str, Any] = {"model": {"name": engine.fusion.name, "version": engine.fusion.version}}
    for (name, split), clips in parts.items():
        if split != "train":
            rows = np.stack([answer_of(engine, clip.features.steps()) for clip in clips])
            labels = np.array([clip.label for clip in clips], np.int64)
            report.setdefault(name, {})[split] = score(Predictions(rows, labels), engine.fusion.uncertain_below)
    return report
