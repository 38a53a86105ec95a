"""The figures of the documents."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_export.__main__ import main
from model_export.figures import draw_ablation, draw_attention, draw_scores
from model_export.metrics import Predictions, score
from service.domain import MediaInfo
from service.timeline import Recorder

REPORT = {
    "model": {"name": "attune", "version": "1"},
    "speech": {
        **score(Predictions(np.random.default_rng(0).dirichlet(np.ones(7), 60), np.arange(60) % 7), 0.4),
        "corpora": {"savee": score(Predictions(np.eye(7)[[1, 2]], np.array([1, 3])), 0.4)},
    },
}


def test_a_report_becomes_one_figure_for_each_whole_part(tmp_path: Path) -> None:
    files = draw_scores(REPORT, tmp_path / "figures")
    assert [file.name for file in files] == ["scores_speech.svg"]
    drawn = files[0].read_text()
    assert "of 60 right" in drawn
    assert "calibration error" in drawn
    assert "surprise" in drawn


def test_the_same_scores_make_the_same_file(tmp_path: Path) -> None:
    first, second = (draw_scores(REPORT, tmp_path / name)[0].read_bytes() for name in "ab")
    assert first == second


def test_an_ablation_is_drawn_with_every_network_and_way(tmp_path: Path) -> None:
    ways = {way: {"mean": 0.5, "interval": 0.05, "values": [0.5]} for way in ("audio", "video", "both")}
    drawn = draw_ablation({"last step": ways, "both ideas": ways}, tmp_path / "ablation.svg").read_text()
    for said in ("last step", "both ideas", "audio", "video", "interval over seeds"):
        assert said in drawn


def test_what_cannot_be_drawn_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no scores"):
        draw_scores({"model": {}}, tmp_path)
    nothing = Recorder(timeline_fps=None, uncertain_below=0.4).result(
        MediaInfo(1.0, 0, 0, 0, has_video=True, has_audio=True), name="attune", version="1", provider="cpu"
    )
    with pytest.raises(ValueError, match="nobody"):
        draw_attention(nothing, tmp_path)


def test_the_command_draws_scores_and_attention_without_any_picture_of_the_recording(
    sample: Path, tmp_path: Path
) -> None:
    report = tmp_path / "scores.json"
    report.write_text(json.dumps(REPORT))
    arguments = ["--scores", str(report), "--recording", str(sample), "--out", str(tmp_path / "out")]
    assert main(["figures", *arguments]) == 0
    attention = (tmp_path / "out" / "attention.svg").read_text()
    assert "perception attention" in attention
    assert "<image" not in attention  # a bitmap
    assert (tmp_path / "out" / "scores_speech.svg").exists()
    assert main(["figures", "--out", str(tmp_path)]) == 1
