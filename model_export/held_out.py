"""Sound alone, picture alone and both on speakers and faces kept back; the pictures are constructed sequences."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model_export.expression_tracks import load_tracks
from model_export.face_data import load_fer
from model_export.face_network import FaceEncoder
from model_export.fusion_data import SequenceMaker
from model_export.fusion_network import FusionNetwork
from model_export.fusion_stages import LONGEST, REPORT, embed_faces
from model_export.metrics import Predictions, score
from model_export.speech_features import load_corpus
from model_export.train_fusion import predict


def score_held_out(
    data_dir: Path, work_dir: Path, seed: int, encoder: FaceEncoder, network: FusionNetwork, uncertain_below: float
) -> dict[str, Any]:
    """Scores by modality on the RAVDESS actors of REPORT, with faces of `fer_valid` that follow their action units.

    The voices are real; the pictures are real faces in a constructed succession, so the figures for video and both
    say how well the network puts its evidence together, not how well it reads real faces in motion.
    """
    clips = [
        clip
        for clip in load_corpus(data_dir / "speech" / "ravdess", "ravdess", work_dir, seed=seed)
        if clip[0].utterance.speaker in REPORT and clip[0].utterance.label is not None
    ]
    names = {clip[0].name for clip in clips}
    tracks = {name: track for name, track in load_tracks(data_dir / "action_units", seed=seed).items() if name in names}
    faces, _ = load_fer(data_dir / "faces" / "fer_valid.npz")
    maker = SequenceMaker(clips, tracks, embed_faces(encoder, faces, seed), LONGEST)
    return {
        modality: score(_predictions(maker, len(clips), modality, network), uncertain_below)
        for modality in ("audio", "video", "both")
    }


def _predictions(maker: SequenceMaker, count: int, modality: str, network: FusionNetwork) -> Predictions:
    sequences = [
        maker.from_clip(index, np.random.default_rng(index), modality=modality, version=0) for index in range(count)
    ]
    logits = torch.from_numpy(predict(network, sequences)) / network.temperature
    probabilities: NDArray[np.float64] = torch.softmax(logits, dim=1).double().numpy()
    return Predictions(probabilities, np.array([sequence.whole.argmax() for sequence in sequences], dtype=np.int64))
