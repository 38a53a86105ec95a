"""The command on the sample clip and on files that are none, as a person would run it."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from api.harness import wait_until
from media.clips import Clip, write_clip

import service
from service.cli import INTERRUPTED, main, pipeline
from service.cli.report_moments import attended_moments
from service.perception.perceive import perceive
from service.timeline.models import AnalysisResult

SAMPLE = Path(service.__file__).parent / "page" / "sample.mp4"
PATIENCE = 240


def _attune(*argv: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "service", *argv]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A recording with neither a face nor speech."""
    file = tmp_path / "tiny.mp4"
    file.write_bytes(write_clip(Clip(seconds=0.4)))
    return file


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    file = tmp_path / "notes.mp4"
    file.write_text("This is no video.\n" * 100)
    return file


def _lines(data: bytes) -> Sequence[dict[str, object]]:
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def test_many_inputs_give_one_line_each_in_their_order(tmp_path: Path, tiny: Path, text_file: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    sources = [str(text_file), str(tiny), str(tmp_path / "none.mp4"), str(tmp_path), str(empty), str(tiny)]
    done = _attune("analyze", *sources, "--jsonl", "-", "--timeline-fps", "5")
    assert done.returncode == 1, "some failed"
    lines = _lines(done.stdout)
    assert [line["source"] for line in lines] == sources
    codes = [line["error"]["code"] if "error" in line else None for line in lines]  # type: ignore[index]
    assert codes == ["unsupported_media", None, "file_missing", "not_a_file", "empty_body", None]
    for line in lines:
        assert ("error" in line) != ("people" in line)
    first, second = (dict(line) for line in lines if "people" in line)
    assert first == second, "what came before changes nothing"
    del first["source"]
    assert AnalysisResult.model_validate(first).media.duration == pytest.approx(0.4, abs=0.1)
    errors = done.stderr.decode()
    for code in codes:
        assert code is None or f"{code}: " in errors
    assert "Traceback" not in errors
    for noise in ("TensorFlow", "absl", "feedback_manager"):
        assert noise not in errors, "native libraries stay quiet"
    assert errors.count("Nobody") == 2, "tables leave standard output to the JSON"


def test_one_input_gives_a_table_json_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "out.json", tmp_path / "report.html"
    argv = ["analyze", str(SAMPLE), "--json", str(out), "--report", str(report), "--provider", "cpu"]
    assert main(argv) == 0
    result = AnalysisResult.model_validate_json(out.read_bytes())
    assert result.media.has_audio
    assert result.media.has_video
    assert result.model.provider == "cpu"
    captured = capsys.readouterr()
    assert SAMPLE.name in captured.out
    assert "face + voice" in captured.out
    assert captured.err == ""
    page = report.read_text()
    assert page.count("<svg") == len(result.people) == 1
    assert page.count("data:image/jpeg") == len(attended_moments(result.people[0])) > 0


def test_standard_input_is_an_input(tiny: Path) -> None:
    with tiny.open("rb") as stream:
        done = _attune("analyze", "-", "--json", "-", stdin=stream)
    assert done.returncode == 0, done.stderr.decode()
    assert AnalysisResult.model_validate_json(done.stdout).media.has_video


def test_a_closed_standard_error_stops_nothing(tmp_path: Path, tiny: Path) -> None:
    command = f"exec {shlex.quote(sys.executable)} -m service analyze tiny.mp4 none.mp4 --jsonl out.jsonl 2>&-"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.returncode == 1, "one input is missing"
    assert tiny.name in done.stdout.decode()
    first, second = _lines((tmp_path / "out.jsonl").read_bytes())
    assert first["people"] == []
    assert second["error"]["code"] == "file_missing"  # type: ignore[index]


def test_a_failed_input_leaves_the_old_json_alone(
    tmp_path: Path, text_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    out.write_text("old")
    assert main(["analyze", str(text_file), "--json", str(out)]) == 1
    assert out.read_text() == "old"
    captured = capsys.readouterr()
    assert "unsupported_media" in captured.err
    assert captured.out == ""


def test_limits_are_those_of_the_service(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTUNE_MAX_DURATION", "0.2")
    assert main(["analyze", str(tiny)]) == 1
    assert "media_too_long" in capsys.readouterr().err


def test_a_defect_stops_one_input_and_not_the_next(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [True]

    def breaks_once(*arguments: object, **options: object) -> object:
        if broken.pop() if broken else False:
            raise RuntimeError("graph has errors")
        return perceive(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pipeline, "perceive", breaks_once)
    assert main(["analyze", str(tiny), str(tiny), "--jsonl", "-"]) == 1
    captured = capsys.readouterr()
    first, second = _lines(captured.out.encode())
    assert first["error"]["code"] == "internal_error"  # type: ignore[index]
    assert second["people"] == []
    assert "graph has errors" in captured.err


def test_ctrl_c_leaves_no_half_written_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "analyze", "-", "--json", str(tmp_path / "out.json")]
    data = SAMPLE.read_bytes()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None
            # More than a pipe holds: when it is written, the command is reading.
            process.stdin.write(data[:100_000])
            process.stdin.flush()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == INTERRUPTED
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_early_ends_the_command_quietly(text_file: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        command = [sys.executable, "-m", "service", "analyze", str(text_file), "--jsonl", "-"]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert b"BrokenPipe" not in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_said(text_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(text_file), "--jsonl", "/dev/full"]) == 1
    assert "output_failed" in capsys.readouterr().err


def test_a_killed_batch_goes_on_and_does_nothing_twice(tmp_path: Path, tiny: Path) -> None:
    names = ["first.mp4", "stuck.mp4", "broken.mp4", "last.mp4"]
    for name in ("first.mp4", "last.mp4"):
        (tmp_path / name).write_bytes(tiny.read_bytes())
    (tmp_path / "broken.mp4").write_text("This is no video.")
    os.mkfifo(tmp_path / "stuck.mp4")
    (tmp_path / "manifest.txt").write_text("\n".join(names))
    out = tmp_path / "out.jsonl"
    argv = ["analyze", "--manifest", "manifest.txt", "--jsonl", "out.jsonl", "--resume", "--quiet"]

    with subprocess.Popen([sys.executable, "-m", "service", *argv], cwd=tmp_path, stderr=subprocess.PIPE) as process:
        try:
            # Nobody writes to the pipe, so its analysis lasts until the process is killed.
            wait_until(lambda: out.exists() and b"stuck.mp4" in out.read_bytes())
        finally:
            process.kill()
    [finished, begun] = out.read_bytes().splitlines(keepends=True)
    assert begun == b'{"source":"stuck.mp4",'

    (tmp_path / "first.mp4").unlink()  # who did it again would miss it
    (tmp_path / "stuck.mp4").unlink()
    (tmp_path / "stuck.mp4").write_bytes(tiny.read_bytes())
    done = _attune(*argv, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == b"", "no tables"
    assert out.read_bytes().startswith(finished)
    lines = _lines(out.read_bytes())
    assert [line["source"] for line in lines] == ["first.mp4", "broken.mp4", "last.mp4", "stuck.mp4"]
    assert ["error" in line for line in lines] == [False, True, False, False]

    (tmp_path / "broken.mp4").write_bytes(tiny.read_bytes())
    for name in ("last.mp4", "stuck.mp4"):
        (tmp_path / name).unlink()
    assert _attune(*argv, cwd=tmp_path).returncode == 0
    lines = _lines(out.read_bytes())
    assert [line["source"] for line in lines] == ["first.mp4", "last.mp4", "stuck.mp4", "broken.mp4"]
    assert all("people" in line for line in lines)
    assert _attune(*argv, cwd=tmp_path).returncode == 0, "there is nothing to do"
    assert _lines(out.read_bytes()) == lines


def test_shards_share_the_inputs_and_quiet_shows_none(
    tmp_path: Path, text_file: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = [str(tiny), str(text_file), str(tmp_path / "none.mp4")]
    outs = [tmp_path / f"{index}.jsonl" for index in range(4)]
    codes = [
        main(["analyze", *sources, "--shard", f"{index}/4", "--jsonl", str(out), "--quiet"])
        for index, out in enumerate(outs)
    ]
    assert codes == [0, 1, 1, 0]
    assert [json.loads(out.read_text())["source"] for out in outs[:3]] == sources
    assert outs[3].read_bytes() == b"", "more shards than inputs"
    assert capsys.readouterr().out == ""
