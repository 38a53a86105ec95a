"""Fixtures that every test may use."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.assets import face_detector_path
from service.engine import Engine
from service.perception.detector import FaceDetector


@pytest.fixture(scope="session", autouse=True)
def no_proxy_for_this_machine() -> Iterator[None]:
    """Whatever proxy the environment names, the tests and all that they start reach this machine without it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1,localhost")
        yield


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recordings; the test is skipped, saying so, where it is absent."""
    folder = Path(os.environ.get("ATTUNE_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder} (ATTUNE_DATA names another folder)")
    return folder


@pytest.fixture(scope="session")
def clip(data_dir: Path) -> Callable[[str], Path]:
    """Path of one of the short test videos by file name."""

    def path_of(name: str) -> Path:
        return data_dir / "clips" / name

    return path_of


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """Path of the first of some programs that is installed. Without any the test is skipped, saying what to install;
    in CI, where set-up installs them, it fails."""

    def path_of(*names: str) -> str:
        places = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # servers live where only root's PATH leads
        for name in names:
            if found := shutil.which(name, path=places):
                return found
        reason = f"{names[0]} is not installed (on Debian: apt install {names[0]})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)

    return path_of


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The shipped networks on the CPU."""
    return Engine.load(provider="cpu")


@pytest.fixture(scope="session")
def detector() -> Iterator[FaceDetector]:
    """The real face detector."""
    with FaceDetector(face_detector_path()) as open_detector:
        yield open_detector


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sample clip that the repository carries: one face, speech with pauses, ten seconds."""
    return Path(__file__).parent.parent / "service" / "page" / "sample.mp4"
