from pathlib import Path

import pytest

from service.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"a")
    (tmp_path / "b.mp4").write_bytes(b"b")
    (tmp_path / "link.jsonl").symlink_to("a.mp4")
    (tmp_path / "sub").mkdir()
    (tmp_path / "manifest").write_text("a.mp4\nb.mp4\n")
    (tmp_path / "twice").write_text("a.mp4\na.mp4\n")
    (tmp_path / "empty").write_text("\n")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["a.mp4", "b.mp4", "--json", "o.json"], "--json takes one input"),
        (["a.mp4", "b.mp4", "--report", "o.html"], "--report takes one input"),
        (["-", "-"], "only once"),
        (["a.mp4", "--report", "o.pdf"], "must end in .html or .png"),
        (["a.mp4", "--json", "-", "--jsonl", "-"], "cannot both"),
        (["a.mp4", "--json", "o", "--jsonl", "./o"], "same name"),
        (["a.mp4", "--json", "sub"], "is a folder"),
        (["a.mp4", "--jsonl", "nowhere/o.jsonl"], "no folder"),
        (["b.mp4", "a.mp4", "--jsonl", "a.mp4"], "is an input"),
        (["a.mp4", "--jsonl", "link.jsonl"], "is an input"),
        (["a.mp4", "--horizon", "0"], "not a positive number"),
        (["a.mp4", "--horizon", "nan"], "not a positive number"),
        (["a.mp4", "--horizon", "inf"], "not a positive number"),
        (["a.mp4", "--horizon", "0.05"], "0.05 is too short: at least 0.1 s"),
        (["a.mp4", "--timeline-fps", "26"], "25 steps a second"),
        (["a.mp4", "--timeline-fps", "fast"], "invalid"),
        ([], "required"),
        (["a.mp4", "--manifest", "manifest"], "not allowed with"),
        (["--manifest", "none"], "none: No such file"),
        (["--manifest", "sub"], "sub: Is a directory"),
        (["--manifest", "empty"], "empty names no input"),
        (["--manifest", "manifest", "--jsonl", "manifest"], "is an input"),
        (["--manifest", "manifest", "--json", "o.json"], "--json takes one input"),
        (["--manifest", "manifest", "--shard", "2/2"], "2/2 is not I/N"),
        (["--manifest", "manifest", "--resume"], "--resume goes with"),
        (["--manifest", "manifest", "--resume", "--jsonl", "-"], "--resume goes with"),
        (["a.mp4", "--resume", "--jsonl", "o", "--json", "p"], "no other output"),
        (["a.mp4", "--resume", "--jsonl", "o", "--report", "p.html"], "no other output"),
        (["a.mp4", "--resume", "--jsonl", "/dev/null"], "no ordinary file"),
        (["--manifest", "twice", "--resume", "--jsonl", "o"], "a.mp4 is named twice"),
    ],
)
def test_misuse_says_what_is_wrong_before_anything_is_done(
    argv: list[str], reason: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["analyze", *argv])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.out == ""
    assert (folder / "a.mp4").read_bytes() == b"a"


@pytest.mark.usefixtures("folder")
def test_a_bad_variable_is_misuse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ATTUNE_MAX_PIXELS", "many")
    with pytest.raises(SystemExit) as ended:
        main(["analyze", "a.mp4"])
    assert ended.value.code == 2
    assert "ATTUNE_MAX_PIXELS" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_model_that_cannot_be_loaded_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTUNE_WEIGHTS_DIR", str(tmp_path))
    assert main(["analyze", "a.mp4", "--jsonl", "-"]) == 1
    captured = capsys.readouterr()
    assert "model_mismatch" in captured.err
    assert captured.out == ""
