"""The face detector's file: fetched once, checked always."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.assets import SIZE, face_detector_path, fetch_face_detector
from service.errors import AssetMissing

REMEDY = "python -m service.assets"


def run(cache: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service.assets"],
        env=os.environ | {"ATTUNE_CACHE": str(cache)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_cached_file_is_genuine() -> None:
    assert face_detector_path().stat().st_size == SIZE


def test_an_empty_cache_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_CACHE", str(tmp_path))
    with pytest.raises(AssetMissing, match=REMEDY) as caught:
        face_detector_path()
    assert str(tmp_path) in caught.value.detail


def test_a_user_without_a_home_is_told_to_name_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ATTUNE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # nobody's
    with pytest.raises(AssetMissing, match="set ATTUNE_CACHE"):
        face_detector_path()


def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = face_detector_path()
    damaged = bytearray(genuine.read_bytes())
    damaged[1000] ^= 1
    (tmp_path / genuine.name).write_bytes(damaged)
    monkeypatch.setenv("ATTUNE_CACHE", str(tmp_path))
    with pytest.raises(AssetMissing, match="wrong hash") as caught:
        face_detector_path()
    assert REMEDY in caught.value.detail


def test_without_the_package_index_the_command_fails_with_the_remedy(tmp_path: Path) -> None:
    ended = run(tmp_path, PIP_NO_INDEX="1")
    assert ended.returncode == 1
    assert "package index" in ended.stderr
    assert REMEDY in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_kept_out_of_use_when_it_cannot_be_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / face_detector_path().name).write_bytes(b"x" * SIZE)
    ended = run(tmp_path, PIP_NO_INDEX="1")
    assert ended.returncode == 1
    assert REMEDY in ended.stderr


def test_a_genuine_file_needs_no_package_index(tmp_path: Path) -> None:
    genuine = face_detector_path()
    (tmp_path / genuine.name).write_bytes(genuine.read_bytes())
    ended = run(tmp_path, PIP_NO_INDEX="1")
    assert ended.returncode == 0
    assert str(tmp_path) in ended.stdout


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setenv("ATTUNE_CACHE", str(blocked / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(AssetMissing, match=REMEDY):
        face_detector_path()
    with pytest.raises(AssetMissing):
        fetch_face_detector()
