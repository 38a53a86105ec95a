"""Rivals on the same recording and the same core, and what they are installed into.

- `fer` (PyPI) with its bundled weights and its defaults (OpenCV's cascade, a quantised network), on every picture. It
  lives in an environment of its own, `.cache/benchmarks/fer`. Its other requirements (facenet-pytorch, which brings
  torch, and moviepy) serve options that are not used here and are left out; OpenCV 5 lacks the cascade's file.
- `hsemotion_b0` and `deepface`: stand-ins for speed only (see `benchmarks.graphs`), on every picture.

Attune hears the sound besides; the rivals only look.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, module, told_by
from benchmarks.serving import say
from benchmarks.standins import STANDINS

ENVIRONMENT = ROOT / ".cache" / "benchmarks" / "fer"
FER = "fer==25.10.3"
FER_NEEDS = (
    "numpy==2.4.6",
    "opencv-contrib-python-headless==4.14.0.94",
    "pillow==13.0.0",
    "requests==2.34.2",
    "setuptools==80.9.0",  # the last ones with pkg_resources
    "tensorflow-cpu==2.21.0",
)
_INSTALLED = ENVIRONMENT / ".installed"


def install() -> Path:
    """The Python that has `fer`; installed where it is not yet. Raises CalledProcessError where that fails."""
    python = ENVIRONMENT / "bin" / "python"
    wanted = "\n".join([FER, *FER_NEEDS])
    if not _INSTALLED.exists() or _INSTALLED.read_text() != wanted:
        say("installing fer")
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip: list[str | Path] = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary=:all:",
        ]
        subprocess.run([*pip, *FER_NEEDS], check=True)
        subprocess.run([*pip, "--no-deps", FER], check=True)
        _INSTALLED.write_text(wanted)
    return python


def watch_all(python: Path, media: Path, core: int) -> dict[str, dict[str, float]]:
    """What each rival spent on a recording. Raises RuntimeError for one that missed the face on a tenth of it."""
    commands: dict[str, list[Any]] = {"fer": [python, ROOT / "benchmarks" / "fer_rival.py", media]}
    commands |= {name: module("benchmarks.standins", name, media) for name in STANDINS}
    spent = {}
    for name, command in commands.items():
        spent[name] = told_by(command, core)
        say(f"{name}: {1000 * spent[name]['seconds'] / spent[name]['pictures']:.2f} ms for each picture")
        if spent[name]["faces"] < 0.9 * spent[name]["pictures"]:
            raise RuntimeError(f"{name} found a face on {spent[name]['faces']} of {spent[name]['pictures']} pictures")
    return spent


def recognition(core: int) -> dict[str, float]:
    """Seconds from a crop to probabilities, one crop at a time, of every network."""
    seconds: dict[str, float] = told_by(module("benchmarks.standins", "recognition"), core)
    return seconds
