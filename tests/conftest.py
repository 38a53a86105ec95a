"""Fixtures that every test may use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


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
