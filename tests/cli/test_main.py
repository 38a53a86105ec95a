import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from service import __version__
from service.cli import INTERRUPTED, analyze, main


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, service.cli\ntry: service.cli.main(['--help'])\nexcept SystemExit: pass\n"
    code += "import json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "analyze" in done.stdout
    assert "serve" in done.stdout
    heavy = {"mediapipe", "onnxruntime", "av", "numpy", "matplotlib", "fastapi", "pydantic", "rich"}
    assert not heavy & set(json.loads(done.stderr))


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "service", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == f"attune {__version__}"


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["analyze"], ["analyze", "x.mp4", "--faces", "none"]])
def test_misuse_exits_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert "usage: attune" in capsys.readouterr().err


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(analyze, "run", interrupted)
    assert main(["analyze", "x.mp4"]) == INTERRUPTED
    captured = capsys.readouterr()
    assert "interrupted" in captured.err
    assert captured.out == ""


def test_a_closed_standard_error_does_not_become_another_file(tmp_path: Path) -> None:
    code = "import os, service.cli\ntry: service.cli.main(['--version'])\nexcept SystemExit: pass\n"
    code += "with open('out', 'wb'): os.write(2, b'native noise')"
    command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(code)} 2>&-"
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "out").read_bytes() == b""
