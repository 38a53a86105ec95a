import json
import subprocess
import sys

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
