"""Sound alone, picture alone and both on speakers and faces kept back; the pictures are constructed sequences."""

from pathlib import Path
from typing import Any

from model_export.face_data import load_fer
from model_export.face_network import ExportedFaceEncoder
from model_export.fusion_data import BASELINES
from model_export.fusion_material import REPORT, scored_on, with_faces
from model_export.fusion_network import FusionNetwork
from model_export.fusion_scores import clip_sequences, distributions
from model_export.long_streams import score_streams
from model_export.metrics import score
from model_export.speech_features import load_corpus


def score_held_out(
    data_dir: Path,
    work_dir: Path,
    seed: int,
    encoder: ExportedFaceEncoder,
    network: FusionNetwork,
    uncertain_below: float,
) -> dict[str, Any]:
    """Scores by modality on the RAVDESS actors of REPORT, with faces of `fer_valid` that follow their action units,
    without a personal baseline and, for pictures, with each kind of it; and long streams of their sentences.

    The voices are real; the pictures are real faces in a constructed succession, so the figures for video and both
    say how well the network puts its evidence together, not how well it reads real faces in motion.
    """
    clips = scored_on(load_corpus(data_dir / "speech" / "ravdess", "ravdess", work_dir, seed=seed), REPORT)
    faces, _ = load_fer(data_dir / "faces" / "fer_valid.npz")
    maker = with_faces(clips, faces, encoder, data_dir, seed)
    ways = [("audio", "absent"), *(("video", kind) for kind in BASELINES), *(("both", kind) for kind in BASELINES)]
    found = {
        modality if kind == "absent" else f"{modality}, {kind} baseline": score(
            distributions(network, clip_sequences(maker, len(clips), modality, kind)), uncertain_below
        )
        for modality, kind in ways
    }
    return found | {"long": score_streams(maker, len(clips), network, uncertain_below)}
