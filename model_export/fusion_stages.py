"""From recordings to a trained, calibrated attention-LSTM. A stage whose checkpoint is there is skipped."""

import logging
from pathlib import Path

import numpy as np
import torch

from model_export.calibration import calibrate
from model_export.face_data import load_fer, split_development
from model_export.face_network import ExportedFaceEncoder
from model_export.face_votes import clear_majority
from model_export.fusion_data import SequenceMaker
from model_export.fusion_material import (
    CALIBRATION,
    CUT,
    Clips,
    load_clips,
    scored_on,
    sound_statistics,
    trained_on,
    with_faces,
)
from model_export.fusion_network import FusionNetwork
from model_export.fusion_scores import WAYS, clip_scores, clip_sequences
from model_export.train_fusion import BATCH, BOTH, ENCODER, FusionRecipe, train_speech_encoder, train_stage

logger = logging.getLogger(__name__)


def train_speech(known: Clips, embedding_size: int, seed: int, recipe: FusionRecipe = ENCODER) -> FusionNetwork:
    """A network that was trained on the sound of `known`, with neither alignment nor LSTM."""
    torch.manual_seed(seed)
    network = FusionNetwork(embedding_size)
    mean, deviation = sound_statistics(known)
    network.speech_encoder.mean.copy_(torch.from_numpy(mean))
    network.speech_encoder.deviation.copy_(torch.from_numpy(deviation))
    maker = SequenceMaker(known, {}, None, CUT, embedding_size)
    logger.info("training the speech encoder on %d recordings", len(known))
    return train_speech_encoder(network, maker.draw_speech, recipe, seed)


def trained_speech(
    clips: Clips, work_dir: Path, seed: int, embedding_size: int, recipe: FusionRecipe = ENCODER
) -> FusionNetwork:
    """`train_speech` on those of `clips` that are kept back for nothing, from its checkpoint where there is one."""
    path = work_dir / f"fusion_speech_{seed}.pt"
    if path.exists():
        network = FusionNetwork(embedding_size)
        network.load_state_dict(torch.load(path, weights_only=True))
        return network
    network = train_speech(trained_on(clips), embedding_size, seed, recipe)
    torch.save(network.state_dict(), path)
    return network


def train_fusion(
    data_dir: Path,
    work_dir: Path,
    seed: int,
    encoder: ExportedFaceEncoder,
    *,
    speech: FusionRecipe = ENCODER,
    both: FusionRecipe = BOTH,
) -> Path:
    """Train the speech encoder, then all on speech and faces, then calibrate; -> a checkpoint for `load_fusion`."""
    path = work_dir / f"fusion_{seed}.pt"
    if path.exists():
        return path
    clips = load_clips(data_dir, work_dir, seed)
    network = trained_speech(clips, work_dir, seed, encoder.embedding_size, speech)
    faces, votes = load_fer(data_dir / "faces" / "fer_train.npz")
    known, unknown, unknown_votes = split_development(faces, votes)
    maker = with_faces(trained_on(clips), known, encoder, data_dir, seed)
    watched = scored_on(clips, CALIBRATION)
    calibration = with_faces(watched, unknown, encoder, data_dir, seed)
    logger.info("training the attention-LSTM on speech and faces")
    places = [maker.stream() for _ in range(BATCH)]
    network = train_stage(network, places, both, seed, clip_scores(calibration, len(watched), WAYS))
    random = np.random.default_rng(0)
    kinds = [clip_sequences(calibration, len(watched), way) for way in WAYS]
    rows, labels = clear_majority(unknown_votes)
    kinds.append([calibration.still(random, int(row), int(label)) for row, label in zip(rows, labels, strict=True)])
    temperatures = calibrate(network, kinds)
    logger.info("temperatures of pictures, both, sound and stills: %s", temperatures)
    torch.save(network.state_dict(), path)
    return path


def load_fusion(path: Path, embedding_size: int) -> FusionNetwork:
    """The calibrated network in evaluation mode."""
    network = FusionNetwork(embedding_size)
    network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()
