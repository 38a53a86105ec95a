"""The graphs that move states between a table and a run."""

from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="onnx is not installed (extras `train` and `dev`)")

import onnx

from model_export.__main__ import main
from service.engine.slots import GRAPHS


def test_the_graphs_that_ship_are_those_that_the_command_writes(tmp_path: Path) -> None:
    assert main(["slots", "--out", str(tmp_path)]) == 0
    for file in ("gather.onnx", "scatter.onnx"):
        assert onnx.load(str(tmp_path / file)) == onnx.load(str(GRAPHS / file)), "rerun `python -m model_export slots`"
