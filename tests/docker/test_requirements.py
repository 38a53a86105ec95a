"""What goes into the layer of dependencies."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def _printed(*extras: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docker" / "requirements.py"), *extras]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("extra", ["cpu", "gpu"])
def test_the_layer_holds_the_dependencies_and_the_extras_and_nothing_else(extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    assert _printed(extra, "otel").stdout.splitlines() == project["dependencies"] + optional[extra] + optional["otel"]


def test_an_unknown_extra_fails() -> None:
    assert _printed("cuda").returncode != 0
