"""The command on all eleven recordings of the test data."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from service.cli import main
from service.timeline.models import AnalysisResult, Modality

ROOT = Path(__file__).parents[2]

BOTH: list[Modality] = ["audio", "video"]

PEOPLE: dict[str, list[list[Modality]]] = {
    "face_then_none_hevc.mov": [BOTH],
    "mead_sad_1080p.mp4": [BOTH],
    "no_face_with_sound.mp4": [["audio"]],
    "portrait_no_audio_track.mp4": [["video"]],
    "ravdess_neutral_720p.mp4": [BOTH],
    "ravdess_neutral_b.mp4": [BOTH],
    "ravdess_surprise_a.mp4": [BOTH],
    "several_faces_song.mp4": [BOTH] * 8,  # four shots: two people, one, one, four
    "silent_track.mp4": [["video"]],
    "single_face_mp3.mp4": [BOTH],
    "talking_20s.mp4": [BOTH],
}
"""The evidence of each person in each recording."""

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def results(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, AnalysisResult]:
    """What one command says of all of them, by file name."""
    out = tmp_path_factory.mktemp("clips") / "out.jsonl"
    files = sorted((data_dir / "clips").iterdir())
    assert main(["analyze", *map(str, files), "--jsonl", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line.pop("source") for line in lines] == list(map(str, files))
    return {file.name: AnalysisResult.model_validate(line) for file, line in zip(files, lines, strict=True)}


@pytest.mark.parametrize("name", PEOPLE)
def test_each_recording_has_its_people_and_their_evidence(name: str, results: dict[str, AnalysisResult]) -> None:
    people = results[name].people
    assert [sorted(person.summary.modalities) for person in people] == PEOPLE[name]
    for person in people:
        assert person.summary.probabilities is not None
        assert any(step.box for step in person.timeline) == ("video" in person.summary.modalities)


def test_every_recording_was_analysed(results: dict[str, AnalysisResult]) -> None:
    assert set(results) == set(PEOPLE)


def test_a_portrait_stands_upright(results: dict[str, AnalysisResult]) -> None:
    media = results["portrait_no_audio_track.mp4"].media
    assert (media.width, media.height, media.has_audio) == (720, 1280, False)


def test_a_face_that_has_left_has_no_box(results: dict[str, AnalysisResult]) -> None:
    (person,) = results["face_then_none_hevc.mov"].people
    assert person.timeline[10].box is not None
    assert all(step.box is None for step in person.timeline[-12:])


def test_a_silent_track_holds_no_speech(results: dict[str, AnalysisResult]) -> None:
    assert results["silent_track.mp4"].media.has_audio
    assert results["silent_track.mp4"].speech.segments == []


def test_memory_stays_flat_over_many_files(clip: Callable[[str], Path]) -> None:
    command = [sys.executable, "-m", "benchmarks.memory", "--rounds", "10", "--warm-up", "3"]
    command.append(str(clip("ravdess_surprise_a.mp4")))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["flat"]
    assert len(report["resident_bytes"]) == 10
