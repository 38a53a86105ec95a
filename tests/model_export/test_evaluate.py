"""The evaluation, on real media under made names."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_export.__main__ import main
from model_export.evaluate import evaluate_clips, evaluate_faces, evaluate_speech
from service.engine import Engine


@pytest.fixture
def labelled(sample: Path, tmp_path: Path) -> Path:
    """The sample clip twice, once under a label and once under none."""
    for name in ("happy_sample.mp4", "portrait.mp4"):
        (tmp_path / name).symlink_to(sample)
    return tmp_path


def test_clips_are_scored_by_sound_by_picture_and_by_both(engine: Engine, labelled: Path) -> None:
    scores = evaluate_clips(engine, [labelled])
    assert list(scores) == ["audio", "video", "both"]
    assert all(scores[way]["n"] == 1 and scores[way]["without_evidence"] == 0 for way in scores)
    assert scores["video"]["accuracy"] == 1.0  # a plain smile


def test_speech_is_scored_by_sound_alone(engine: Engine, labelled: Path) -> None:
    scores = evaluate_speech(engine, [labelled])
    assert (scores["n"], scores["without_evidence"]) == (1, 0)
    assert list(scores["corpora"]) == ["other"]


def test_faces_are_scored_by_the_network_and_by_the_encoders_own_head(engine: Engine, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 48, 48), dtype=np.uint8)
    votes = np.zeros((3, 10), np.uint8)
    votes[:2, 1] = 9  # happy
    votes[2, :2] = 5  # no majority
    archive = tmp_path / "faces.npz"
    np.savez(archive, images=images, votes=votes)
    scores = evaluate_faces(engine, archive)
    assert scores["n"] == scores["encoder"]["n"] == 2


def test_the_command_writes_the_scores_it_prints(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "scores.json"
    assert main(["evaluate", "--clips", str(labelled), "--json", str(report)]) == 0
    scores = json.loads(report.read_text())
    assert scores["clips"]["both"]["n"] == 1
    assert "clips.both: accuracy" in capsys.readouterr().out
    assert main(["evaluate"]) == 1
