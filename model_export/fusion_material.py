"""All that the attention-LSTM is trained, calibrated and watched on; speakers and faces are kept apart."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_export.expression_tracks import load_tracks
from model_export.face_data import Faces
from model_export.face_network import ExportedFaceEncoder
from model_export.fusion_data import SequenceMaker
from model_export.fusion_faces import embed_faces
from model_export.speech_features import SpeechClip, load_corpus
from model_export.speech_names import Corpus

Clips = list[list[SpeechClip]]

CORPORA: Final[tuple[Corpus, ...]] = ("ravdess", "savee", "emodb")

CALIBRATION: Final = ("ravdess-19", "ravdess-20")
"""Actors whom temperatures and threshold are fitted on."""

REPORT: Final = ("ravdess-16", "ravdess-17")
"""Actors kept back for the figures that are reported; nothing is chosen on them. How well other voices are read is
told by `folds`, which leaves out every speaker."""

LONGEST: Final = 120
"""Steps of the longest training sequence (4.8 s)."""

CUT: Final = 50
"""Steps of the cuts that the speech encoder is trained on (2 s): twice as many in the time of whole sentences."""


def load_clips(data_dir: Path, work_dir: Path, seed: int) -> Clips:
    """Every recording of the three corpora, each in several versions."""
    return [
        clip for corpus in CORPORA for clip in load_corpus(data_dir / "speech" / corpus, corpus, work_dir, seed=seed)
    ]


def speaker_of(clip: list[SpeechClip]) -> str:
    """Who speaks in a recording."""
    return clip[0].utterance.speaker


def trained_on(clips: Clips) -> Clips:
    """Those whose speakers are kept back for nothing."""
    return [clip for clip in clips if speaker_of(clip) not in (*CALIBRATION, *REPORT)]


def scored_on(clips: Clips, speakers: tuple[str, ...]) -> Clips:
    """Those of `speakers` that have one of the seven labels."""
    return [clip for clip in clips if speaker_of(clip) in speakers and clip[0].utterance.label is not None]


def sound_statistics(clips: Clips) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and deviation [64] of log-mel frames."""
    frames = np.concatenate([clip[0].mel.reshape(-1, clip[0].mel.shape[2]) for clip in clips]).astype(np.float32)
    return frames.mean(axis=0), frames.std(axis=0)


def with_faces(clips: Clips, faces: Faces, encoder: ExportedFaceEncoder, data_dir: Path, seed: int) -> SequenceMaker:
    """Sequences of the clips with faces that follow their own action units."""
    names = {clip[0].name for clip in clips}
    tracks = load_tracks(data_dir / "action_units", seed=seed)
    own = {name: track for name, track in tracks.items() if name in names}
    return SequenceMaker(clips, own, embed_faces(encoder, faces, seed), LONGEST)
