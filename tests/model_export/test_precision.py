"""Smaller and faster forms of the face encoder."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed (extras `train` and `dev`)")

from model_export import precision
from model_export.__main__ import main
from model_export.precision import (
    BEGIN,
    ENCODER,
    END,
    FORMS,
    MADE_FROM,
    as_table,
    digest,
    make_fp16,
    make_int8,
    write_forms,
)
from service.engine import Engine
from service.engine.engine import SHIPPED, WEIGHTS
from service.engine.providers import open_session


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patterns that look like nothing, each labelled with what the shipped encoder takes it for."""
    random = np.random.default_rng(0)
    rough = random.integers(0, 256, (64, 6, 6), dtype=np.uint8)
    images = np.kron(rough, np.ones((8, 8), np.uint8))
    answers = Engine.load(WEIGHTS, "cpu").encode(images).probabilities.argmax(axis=1)
    columns = np.array([4, 5, 6, 1, 0, 3, 2])  # of FER+ votes, in our order
    votes = np.zeros((64, 10), np.uint8)
    votes[np.arange(64), columns[answers]] = 10
    path = tmp_path_factory.mktemp("faces") / "faces.npz"
    np.savez(path, images=images, votes=votes)
    return path


@pytest.mark.parametrize(("make", "size", "error"), [(make_int8, 0.4, 0.15), (make_fp16, 0.6, 0.01)])
def test_a_form_is_smaller_and_answers_nearly_the_same(
    tmp_path: Path, faces: Path, make: object, size: float, error: float
) -> None:
    assert callable(make)
    with np.load(faces) as stored:
        images = stored["images"]
    make(WEIGHTS / ENCODER, tmp_path / ENCODER, images)
    assert (tmp_path / ENCODER).stat().st_size < size * (WEIGHTS / ENCODER).stat().st_size
    found, wanted = (
        open_session(folder / ENCODER, "cpu", threads=1).run(["probabilities"], {"crops": images})[0]
        for folder in (tmp_path, WEIGHTS)
    )
    assert np.abs(found - wanted).mean() < error / 5
    assert np.abs(found - wanted).max() < error


def _ship(monkeypatch: pytest.MonkeyPatch, speed: float | None) -> None:
    """Only int8, of a speed that does not depend on what else this machine does."""
    monkeypatch.setattr(precision, "FORMS", FORMS[:1])
    monkeypatch.setattr(precision, "_speed", lambda *_: speed)


def test_a_form_that_is_faster_and_as_good_becomes_a_folder_of_weights(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ship(monkeypatch, 2.0)
    monkeypatch.setattr(precision, "WORSE", 0.2)  # patterns are near the border between two classes more often
    rows = write_forms(WEIGHTS, faces, faces, tmp_path)
    assert [row["form"] for row in rows] == ["fp32", "int8"]
    assert rows[0]["encoder"]["accuracy"] == 1
    assert rows[1]["ships"]
    engine = Engine.load(tmp_path / "int8", "cpu")
    assert engine.face_encoder == Engine.load(provider="cpu").face_encoder
    assert (tmp_path / "int8" / "fusion.onnx").read_bytes() == (WEIGHTS / "fusion.onnx").read_bytes()
    properties = open_session(tmp_path / "int8" / ENCODER, "cpu", threads=1).get_modelmeta().custom_metadata_map
    assert json.loads(properties[MADE_FROM]) == digest(WEIGHTS / ENCODER)
    assert "| int8 | cpu |" in as_table(rows)


@pytest.mark.parametrize(("speed", "ships"), [(0.9, False), (None, True)])
def test_a_form_that_is_not_faster_does_not_ship_and_one_that_was_not_timed_does(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, speed: float | None, ships: bool
) -> None:
    (tmp_path / "int8").mkdir()  # from a time when it was good enough
    _ship(monkeypatch, speed)
    monkeypatch.setattr(precision, "WORSE", 1.0)
    rows = write_forms(WEIGHTS, faces, faces, tmp_path)
    assert rows[1]["ships"] == ships
    assert (tmp_path / "int8").exists() == ships
    assert ("not measured" in as_table(rows)) == (speed is None)


def test_a_form_that_is_worse_does_not_ship(tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _ship(monkeypatch, 2.0)

    def spoil(source: Path, target: Path, images: np.ndarray) -> None:
        make_int8(source, target, np.zeros_like(images))  # ranges of a picture without any contrast

    monkeypatch.setattr(precision, "FORMS", [replace(FORMS[0], make=spoil)])
    assert not write_forms(WEIGHTS, faces, faces, tmp_path)[1]["ships"]


def test_a_provider_that_is_not_there_is_not_timed(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.providers.ort.get_available_providers", lambda: ["CPUExecutionProvider"])
    with np.load(faces) as stored:
        assert precision._speed(WEIGHTS, WEIGHTS, "cuda", stored["images"]) is None


def test_the_command_prints_the_table_and_writes_it(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _ship(monkeypatch, 0.5)
    arguments = ["--faces", str(faces), "--calibration", str(faces), "--out", str(tmp_path)]
    document = tmp_path / "document.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    arguments += ["--document", str(document)]
    assert main(["precision", *arguments, "--json", str(tmp_path / "table.json")]) == 0
    printed = capsys.readouterr().out
    assert "| fp32 | any | " in printed
    assert document.read_text() == f"before\n{BEGIN}\n\n{printed}\n{END}\nafter\n"
    document.write_text("no place for it")
    assert main(["precision", *arguments]) == 1
    assert json.loads((tmp_path / "table.json").read_text())[1]["speed"] == 0.5


def test_the_form_that_a_provider_runs_by_default_ships() -> None:
    forms = {form.name: form.provider for form in FORMS}
    for provider, folder in SHIPPED.items():
        assert folder == WEIGHTS or forms[folder.name] == provider
        assert (folder / ENCODER).exists()
        assert (folder / "fusion.onnx").exists()


def test_forms_that_ship_were_made_from_the_weights_that_ship() -> None:
    for form in FORMS:
        folder = WEIGHTS / form.name
        if folder.exists():
            properties = open_session(folder / ENCODER, "cpu", threads=1).get_modelmeta().custom_metadata_map
            remedy = "rerun `python -m model_export precision`"
            assert json.loads(properties[MADE_FROM]) == digest(WEIGHTS / ENCODER), remedy
            assert (folder / "fusion.onnx").read_bytes() == (WEIGHTS / "fusion.onnx").read_bytes(), remedy
