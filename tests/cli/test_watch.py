"""The command: what it takes, and what it shows of a recording that is played here."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.cli import main


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["x.mp4", "--url", "http://localhost:1", "--provider", "cpu"], "--provider"),
        (["x.mp4", "--late", "drop"], "--late drop"),
        (["x.mp4", "--url", "localhost:8000"], "no address"),
        (["x.mp4", "--horizon", "0.01"], "--horizon"),
        ([], "SOURCE"),
    ],
)
def test_misuse_exits_with_2(argv: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["watch", *argv])
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "code"),
    [("absent.mp4", "file_missing"), (".", "not_a_file"), ("/dev/video98", "camera_unavailable")],
)
def test_a_source_that_cannot_be_watched_is_a_line_with_its_code(
    source: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", source]) == 1
    captured = capsys.readouterr()
    assert f"{source}  {code}: " in captured.err
    assert captured.out == ""


def test_a_server_that_is_not_there_is_a_line_with_its_code(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(sample), "--url", "http://127.0.0.1:9"]) == 1
    assert "connection_failed: " in capsys.readouterr().err


def test_a_recording_is_played_here_in_real_time_and_summed_up(
    sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    assert main(["watch", str(sample), "--provider", "cpu"]) == 0
    assert time.monotonic() - began > 9
    shown = capsys.readouterr().out
    assert re.search(r"^0:0\d\.\d  person 1: \w+ \d+%, \w+ \d+%  speech · delay \d+ ms$", shown, re.MULTILINE)
    assert re.search(r"10\.0 s · \d+ × \d+ · speech \d\.\d s", shown)
    assert "Most attended" in shown


def test_ctrl_c_ends_the_playing_and_shows_the_summary_of_what_was_seen(sample: Path) -> None:
    command = [sys.executable, "-u", "-m", "service", "watch", str(sample), "--provider", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = ""
        while "0:02" not in shown:
            line = process.stdout.readline()
            assert line, "it ended by itself"
            shown += line
        process.send_signal(signal.SIGINT)
        rest, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    assert "Most probable" in rest
    assert re.search(r"sample\.mp4  [2-9]\.\d s", rest)
