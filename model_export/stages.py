"""The whole way from recordings to ONNX files. A stage whose checkpoint is there is skipped."""

import json
import logging
from pathlib import Path
from typing import Final

import torch

from model_export.calibration import UNCERTAIN_BELOW, best_temperature
from model_export.export import Release, export_face_encoder, export_fusion
from model_export.face_data import load_fer, split_development
from model_export.face_network import ExportedFaceEncoder, FaceEncoder
from model_export.face_votes import clear_majority
from model_export.fusion_material import REPORT
from model_export.fusion_stages import load_fusion, train_fusion
from model_export.held_out import score_held_out
from model_export.train_faces import predict, train_faces

logger = logging.getLogger(__name__)

VERSION: Final = "0.2.0"

TRAINING_DATA: Final = (
    "Faces: FER2013 pictures with FER+ votes; press photographs of muxspace/facial_expressions. "
    "Speech: RAVDESS actors 02 to 20, SAVEE, EmoDB, without " + ", ".join(REPORT) + ". "
    "Faces in step with speech are constructed: FER2013 faces that follow RAVDESS action units."
)


def train(data_dir: Path, work_dir: Path, seed: int) -> None:
    """Train the face encoder, then the attention-LSTM; checkpoints and features are kept in `work_dir`,
    and with them the scores on speakers and faces kept back (held_out_SEED.json)."""
    work_dir.mkdir(parents=True, exist_ok=True)
    trained = train_faces(data_dir, work_dir, seed)
    temperature = work_dir / f"face_temperature_{seed}.txt"
    if not temperature.exists():
        temperature.write_text(f"{fit_temperature(load_encoder(trained, 1.0).encoder, data_dir)}\n")
    encoder = load_encoder(trained, float(temperature.read_text()))
    network = load_fusion(train_fusion(data_dir, work_dir, seed, encoder), encoder.embedding_size)
    scores = score_held_out(data_dir, work_dir, seed, encoder, network, UNCERTAIN_BELOW)
    (work_dir / f"held_out_{seed}.json").write_text(json.dumps(scores, indent=1) + "\n")


def export(work_dir: Path, seed: int, out: Path) -> None:
    """Write face_encoder.onnx and fusion.onnx from the checkpoints of `train` into the folder `out`.

    Raises OSError where a checkpoint is missing.
    """
    encoder = trained_encoder(work_dir, seed)
    network = load_fusion(work_dir / f"fusion_{seed}.pt", encoder.embedding_size)
    release = Release(version=VERSION, training_data=TRAINING_DATA, uncertain_below=UNCERTAIN_BELOW)
    export_face_encoder(encoder, out / "face_encoder.onnx", release)
    export_fusion(network, out / "fusion.onnx", release)
    logger.info("wrote face_encoder.onnx and fusion.onnx to %s", out)


def trained_encoder(work_dir: Path, seed: int) -> ExportedFaceEncoder:
    """The face encoder that `train` left in `work_dir`. Raises OSError where it is missing."""
    temperature = float((work_dir / f"face_temperature_{seed}.txt").read_text())
    return load_encoder(work_dir / f"face_final_{seed}.pt", temperature)


def load_encoder(path: Path, temperature: float) -> ExportedFaceEncoder:
    """The trained face encoder with the temperature of its head, in evaluation mode."""
    encoder = FaceEncoder()
    encoder.load_state_dict(torch.load(path, weights_only=True))
    return ExportedFaceEncoder(encoder, temperature).eval()


def fit_temperature(encoder: FaceEncoder, data_dir: Path) -> float:
    """Temperature of the encoder's head, on the development faces."""
    _, development, votes = split_development(*load_fer(data_dir / "faces" / "fer_train.npz"))
    rows, labels = clear_majority(votes)
    return best_temperature(torch.from_numpy(predict(encoder, development.images[rows])), torch.from_numpy(labels))
