"""The evaluation, on real media under made names."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from media.clips import Clip, write_clip

from model_export.__main__ import main
from model_export.evaluate import evaluate_clips, evaluate_faces, evaluate_speech
from service.engine import Engine

SILENT = Clip(audio=None, seconds=0.5)


@pytest.fixture
def labelled(sample: Path, tmp_path: Path) -> Path:
    """The sample clip twice, once under a label and once under none."""
    for name in ("happy_sample.mp4", "portrait.mp4"):
        (tmp_path / name).symlink_to(sample)
    return tmp_path


def _faces(path: Path, images: np.ndarray | None = None, votes: np.ndarray | None = None) -> Path:
    """Two happy faces of noise and one without a majority, or what is given instead."""
    if votes is None:
        votes = np.zeros((3, 10), np.uint8)
        votes[:2, 1] = 9
        votes[2, :2] = 5
    if images is None:
        images = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    np.savez(path, images=images, votes=votes, fer2013_label=np.zeros(3, np.int8))
    return path


def test_clips_are_scored_by_sound_by_picture_and_by_both(engine: Engine, labelled: Path) -> None:
    scores = evaluate_clips(engine, [labelled])
    assert list(scores) == ["audio", "video", "both"]
    assert all(scores[way]["n"] == 1 and scores[way]["without_evidence"] == 0 for way in scores)
    assert scores["video"]["accuracy"] == 1.0  # a plain smile


def test_a_clip_without_a_sound_track_is_not_scored_by_its_sound(engine: Engine, labelled: Path) -> None:
    (labelled / "sad_silent.mp4").write_bytes(write_clip(SILENT))
    scores = evaluate_clips(engine, [labelled])
    assert {way: scores[way]["n"] for way in scores} == {"audio": 1, "video": 2, "both": 1}
    assert scores["video"]["without_evidence"] == 1


def test_a_performance_that_comes_again_without_its_sound_counts_once(engine: Engine, tmp_path: Path) -> None:
    for name in ("01-01-03-01-01-01-21.mp4", "02-01-03-01-01-01-21.mp4", "02-01-04-01-01-01-22.mp4"):
        (tmp_path / name).write_bytes(write_clip(SILENT))
    scores = evaluate_clips(engine, [tmp_path])
    assert list(scores) == ["video"]
    assert scores["video"]["n"] == 2


def test_a_recording_that_cannot_be_read_counts_as_wrong(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "angry_broken.mp4").write_bytes(b"this is no recording")
    scores = evaluate_speech(engine, [tmp_path])
    assert (scores["n"], scores["without_evidence"], scores["accuracy"]) == (1, 1, 0.0)


def test_speech_is_scored_by_sound_alone_and_by_corpus_and_gender(engine: Engine, sample: Path, tmp_path: Path) -> None:
    for name in ("happy_a.mp4", "03-01-05-01-01-01-22.mp4", "03-01-02-01-01-01-22.mp4", "JK_a01.mp4", "08a01Fd.mp4"):
        (tmp_path / name).symlink_to(sample)
    scores = evaluate_speech(engine, [tmp_path])
    assert (scores["n"], scores["without_evidence"]) == (4, 0)  # one of RAVDESS is calm
    assert {corpus: part["n"] for corpus, part in scores["corpora"].items()} == {
        "emodb": 1,
        "other": 1,
        "ravdess": 1,
        "savee": 1,
    }
    assert {gender: part["n"] for gender, part in scores["genders"].items()} == {"men": 1, "women": 2}
    assert scores == evaluate_speech(engine, sorted(tmp_path.iterdir()))  # files may be named one by one


def test_faces_are_scored_by_the_network_and_by_the_encoders_own_head(engine: Engine, tmp_path: Path) -> None:
    scores = evaluate_faces(engine, _faces(tmp_path / "faces.npz"))
    assert scores["n"] == scores["encoder"]["n"] == 2


@pytest.mark.parametrize(
    "damage",
    [
        {"images": np.zeros((3, 64, 64), np.uint8)},
        {"images": np.zeros((3, 48, 48), np.float32)},
        {"votes": np.ones((3, 7), np.uint8)},
        {"votes": np.ones((3, 10), np.uint8)},
    ],
)
def test_an_archive_that_is_no_set_of_faces_is_refused_by_name(
    engine: Engine, tmp_path: Path, damage: dict[str, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=r"faces\.npz"):
        evaluate_faces(engine, _faces(tmp_path / "faces.npz", **damage))


def test_the_command_writes_the_scores_it_prints(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "scores.json"
    arguments = ["--clips", str(labelled), "--speech", str(labelled), "--faces", str(_faces(tmp_path / "faces.npz"))]
    assert main(["evaluate", *arguments, "--json", str(report)]) == 0
    scores = json.loads(report.read_text())
    parts = [scores["faces"], scores["speech"], *(scores["clips"][way] for way in ("audio", "video", "both"))]
    for part in parts:
        assert {"accuracy", "mean_recall", "n", "ece", "interval", "recall", "confusion", "reliability"} <= set(part)
    shown = capsys.readouterr().out
    for title in (
        "faces",
        "faces.encoder",
        "speech",
        "clips.audio",
        "clips.video",
        "clips.both",
        "speech.corpora.other",
    ):
        assert f"\n{title}: accuracy" in f"\n{shown}"


def test_nothing_to_evaluate_is_an_error(tmp_path: Path) -> None:
    assert main(["evaluate"]) == 1
    assert main(["evaluate", "--speech", str(tmp_path)]) == 1


def test_evaluation_never_imports_torch(labelled: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from model_export.__main__ import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "assert not {'torch', 'onnx'} & set(sys.modules), 'imported'\n"
    )
    faces = _faces(tmp_path / "faces.npz")
    command = [sys.executable, "-c", program, "evaluate", "--faces", str(faces), "--clips", str(labelled)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr
