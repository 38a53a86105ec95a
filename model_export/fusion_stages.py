"""From recordings to a trained, calibrated attention-LSTM. A stage whose checkpoint is there is skipped."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from model_export.expression_tracks import ExpressionTrack, load_tracks
from model_export.face_augment import augment
from model_export.face_data import Faces, load_fer, split_development
from model_export.face_network import FaceEncoder
from model_export.fusion_data import FaceBank, Sequence, SequenceMaker
from model_export.fusion_network import FusionNetwork
from model_export.speech_features import SpeechClip, load_corpus
from model_export.train_fusion import BOTH, SPEECH, FusionRecipe, clip_scores, predict, train_stage
from service.representation import LABELS

logger = logging.getLogger(__name__)

CALIBRATION: Final = ("ravdess-19", "ravdess-20")
"""Actors whom temperature and threshold are fitted on."""

REPORT: Final = ("ravdess-16", "ravdess-17", "ravdess-18", "savee-JK")
"""Speakers kept back for the figures that are reported; nothing is chosen on them."""

LONGEST: Final = 120
"""Steps of the longest training sequence (4.8 s)."""

_VARIANTS: Final = 4
_CLEAR: Final = 0.5


@dataclass(frozen=True, slots=True)
class Material:
    """All that the attention-LSTM is trained, calibrated and watched on."""

    train: SequenceMaker
    calibration: SequenceMaker
    calibration_count: int
    mean: NDArray[np.float32]
    """[64], of log-mel frames."""
    deviation: NDArray[np.float32]


def train_fusion(
    data_dir: Path,
    work_dir: Path,
    seed: int,
    encoder: FaceEncoder,
    *,
    speech: tuple[FusionRecipe, ...] = SPEECH,
    both: FusionRecipe = BOTH,
) -> Path:
    """Train on speech, then on speech and faces, then calibrate; -> a checkpoint for `load_fusion`."""
    path = work_dir / f"fusion_{seed}.pt"
    if path.exists():
        return path
    material = gather(data_dir, work_dir, seed, encoder)
    torch.manual_seed(seed)
    network = FusionNetwork(encoder.embedding_size)
    network.speech_encoder.mean.copy_(torch.from_numpy(material.mean))
    network.speech_encoder.deviation.copy_(torch.from_numpy(material.deviation))
    indices = list(range(material.calibration_count))
    heard = clip_scores(material.calibration, indices, ("audio",))
    for cycle, recipe in enumerate(speech, start=1):
        done = work_dir / f"fusion_speech_{cycle}_{seed}.pt"
        if done.exists():
            network.load_state_dict(torch.load(done, weights_only=True))
            continue
        logger.info("training the attention-LSTM on speech, cycle %d", cycle)
        network = train_stage(network, material.train.draw_speech, recipe, seed + cycle - 1, heard)
        torch.save(network.state_dict(), done)
    logger.info("training the attention-LSTM on speech and faces")
    ways = clip_scores(material.calibration, indices, ("audio", "video", "both"))
    network = train_stage(network, material.train.draw, both, seed, ways)
    temperature = calibrate(network, material.calibration, indices)
    logger.info("temperature %.3f", temperature)
    torch.save({"network": network.state_dict(), "temperature": temperature}, path)
    return path


def load_fusion(path: Path, embedding_size: int) -> FusionNetwork:
    """The calibrated network in evaluation mode."""
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    network = FusionNetwork(embedding_size)
    network.load_state_dict(checkpoint["network"])
    network.temperature = checkpoint["temperature"]
    return network.eval()


def gather(data_dir: Path, work_dir: Path, seed: int, encoder: FaceEncoder) -> Material:
    """Hear every recording, fit the expression tracks, embed the faces. Speakers and faces are kept apart."""
    clips = [
        clip
        for corpus in ("ravdess", "savee", "emodb")
        for clip in load_corpus(data_dir / "speech" / corpus, corpus, work_dir, seed=seed)
    ]
    tracks = load_tracks(data_dir / "action_units", seed=seed)
    faces, votes = load_fer(data_dir / "faces" / "fer_train.npz")
    known, unknown, _ = split_development(faces, votes)
    train = [clip for clip in clips if clip[0].utterance.speaker not in (*CALIBRATION, *REPORT)]
    calibration = [
        clip for clip in clips if clip[0].utterance.speaker in CALIBRATION and clip[0].utterance.label is not None
    ]
    frames = np.concatenate([clip[0].mel.reshape(-1, clip[0].mel.shape[2]) for clip in train]).astype(np.float32)
    return Material(
        _maker(train, tracks, known, encoder, seed),
        _maker(calibration, tracks, unknown, encoder, seed),
        len(calibration),
        frames.mean(axis=0),
        frames.std(axis=0),
    )


def _maker(
    clips: list[list[SpeechClip]], tracks: dict[str, ExpressionTrack], faces: Faces, encoder: FaceEncoder, seed: int
) -> SequenceMaker:
    names = {clip[0].name for clip in clips}
    own = {name: track for name, track in tracks.items() if name in names}
    return SequenceMaker(clips, own, embed_faces(encoder, faces, seed), LONGEST)


def embed_faces(encoder: FaceEncoder, faces: Faces, seed: int) -> FaceBank:
    """Embeddings of each face as it is and of augmented variants."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(faces.images)
    variants = []
    with torch.no_grad():
        for variant in range(_VARIANTS):
            parts = []
            for start in range(0, len(images), 256):
                batch = images[start : start + 256]
                parts.append(encoder.embed(augment(batch, generator) if variant else batch).half())
            variants.append(torch.cat(parts).numpy())
    top = faces.targets.argmax(axis=1)
    clear = faces.targets.max(axis=1) > _CLEAR
    rows = tuple(np.flatnonzero(clear & (top == label)) for label in range(len(LABELS)))
    return FaceBank(np.stack(variants, axis=1), faces.targets, rows)


def calibrate(network: FusionNetwork, maker: SequenceMaker, indices: list[int]) -> float:
    """Temperature (Guo et al. 2017, arXiv 1706.04599) over sound alone, picture alone and both."""
    sequences: list[Sequence] = [
        maker.from_clip(index, np.random.default_rng(index), modality=modality, version=0)
        for modality in ("audio", "video", "both")
        for index in indices
    ]
    truth = np.array([sequence.whole.argmax() for sequence in sequences])
    logits, labels = torch.from_numpy(predict(network, sequences)), torch.from_numpy(truth)
    candidates = np.geomspace(0.5, 4, 100)
    losses = [float(functional.cross_entropy(logits / float(t), labels)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])
