"""From recordings to a trained, calibrated attention-LSTM. A stage whose checkpoint is there is skipped."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from model_export.face_data import load_fer, split_development
from model_export.face_network import ExportedFaceEncoder
from model_export.face_votes import clear_majority
from model_export.fusion_data import SequenceMaker
from model_export.fusion_material import (
    CALIBRATION,
    LONGEST,
    load_clips,
    scored_on,
    sound_statistics,
    trained_on,
    with_faces,
)
from model_export.fusion_network import FusionNetwork
from model_export.fusion_scores import WAYS, clip_scores, clip_sequences, predict
from model_export.train_fusion import BATCH, BOTH, SPEECH, FusionRecipe, train_stage

logger = logging.getLogger(__name__)


def train_speech(
    data_dir: Path, work_dir: Path, seed: int, embedding_size: int, recipe: FusionRecipe = SPEECH
) -> FusionNetwork:
    """The network after training on speech alone, which knows no face yet."""
    path = work_dir / f"fusion_speech_{seed}.pt"
    torch.manual_seed(seed)
    network = FusionNetwork(embedding_size)
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network
    clips = load_clips(data_dir, work_dir, seed)
    known = trained_on(clips)
    set_statistics(network, *sound_statistics(known))
    maker = SequenceMaker(known, {}, None, LONGEST, embedding_size)
    watched = scored_on(clips, CALIBRATION)
    score = clip_scores(SequenceMaker(watched, {}, None, LONGEST, embedding_size), len(watched), ("audio",))
    logger.info("training the attention-LSTM on speech, %d recordings", len(known))
    network = train_stage(network, [maker.draw_speech] * BATCH, recipe, seed, score)
    torch.save(network.state_dict(), path)
    return network


def train_fusion(
    data_dir: Path,
    work_dir: Path,
    seed: int,
    encoder: ExportedFaceEncoder,
    *,
    speech: FusionRecipe = SPEECH,
    both: FusionRecipe = BOTH,
) -> Path:
    """Train on speech, then on speech and faces, then calibrate; -> a checkpoint for `load_fusion`."""
    path = work_dir / f"fusion_{seed}.pt"
    if path.exists():
        return path
    network = train_speech(data_dir, work_dir, seed, encoder.embedding_size, speech)
    clips = load_clips(data_dir, work_dir, seed)
    faces, votes = load_fer(data_dir / "faces" / "fer_train.npz")
    known, unknown, unknown_votes = split_development(faces, votes)
    maker = with_faces(trained_on(clips), known, encoder, data_dir, seed)
    watched = scored_on(clips, CALIBRATION)
    calibration = with_faces(watched, unknown, encoder, data_dir, seed)
    logger.info("training the attention-LSTM on speech and faces")
    places = [maker.stream() for _ in range(BATCH)]
    network = train_stage(network, places, both, seed, clip_scores(calibration, len(watched), WAYS))
    temperature = calibrate(network, calibration, len(watched), *clear_majority(unknown_votes))
    logger.info("temperature %.3f", temperature)
    torch.save({"network": network.state_dict(), "temperature": temperature}, path)
    return path


def set_statistics(network: FusionNetwork, mean: np.ndarray, deviation: np.ndarray) -> None:
    """Let the network expect sound of this mean and deviation [64]."""
    network.speech_encoder.mean.copy_(torch.from_numpy(mean))
    network.speech_encoder.deviation.copy_(torch.from_numpy(deviation))


def load_fusion(path: Path, embedding_size: int) -> FusionNetwork:
    """The calibrated network in evaluation mode."""
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    network = FusionNetwork(embedding_size)
    network.load_state_dict(checkpoint["network"])
    network.temperature = checkpoint["temperature"]
    return network.eval()


def calibrate(
    network: FusionNetwork, maker: SequenceMaker, count: int, stills: np.ndarray, labels: np.ndarray
) -> float:
    """Temperature (Guo et al. 2017, arXiv 1706.04599) over sound alone, picture alone, both, and still pictures: rows
    `stills` of the maker's faces with their `labels`. Each kind counts alike."""
    random = np.random.default_rng(0)
    kinds = [clip_sequences(maker, count, way) for way in WAYS]
    kinds.append([maker.still(random, int(row), int(label)) for row, label in zip(stills, labels, strict=True)])
    answers = [
        (torch.from_numpy(predict(network, kind)), torch.tensor([int(sequence.whole.argmax()) for sequence in kind]))
        for kind in kinds
    ]

    def loss(temperature: float) -> float:
        return sum(float(functional.cross_entropy(logits / temperature, truth)) for logits, truth in answers)

    return float(min(np.geomspace(0.5, 4, 100), key=lambda value: loss(float(value))))
