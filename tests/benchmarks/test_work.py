"""The floor does the product's work: no less, and no more."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mediapipe.tasks.python import vision

from benchmarks.floor import Floor
from benchmarks.recording import record
from benchmarks.webm import RATE, LoopedRecording
from benchmarks.work import Advance, Call, Crop, Encode, Flow, Look, Patch, Picture, Work
from service.cli.pipeline import Pipeline
from service.cli.sources import open_source
from service.settings import Settings

SECONDS = 2.0


@pytest.fixture(scope="module")
def media(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "two.webm"
    path.write_bytes(b"".join(piece.data for piece in LoopedRecording(sample, SECONDS).pieces(SECONDS, 1.0)))
    return path


@pytest.fixture(scope="module")
def work(media: Path) -> Work:
    return record(media)


@pytest.fixture(scope="module")
def floor() -> Iterator[Floor]:
    with Floor() as loaded:
        yield loaded


def test_as_many_detections_are_noted_as_the_product_runs(
    media: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, runs = vision.FaceDetector.detect, Counter[str]()

    def counted(detector: Any, image: Any) -> Any:
        runs["graph"] += 1
        return real(detector, image)

    with Pipeline(Settings(), "cpu") as pipeline, open_source(str(media)) as source:
        monkeypatch.setattr(vision.FaceDetector, "detect", counted)
        result = pipeline.analyse(
            source, faces="all", horizon=2.0, timeline_fps=None, progress=lambda _seconds, _people: None
        )
    counts = work.counts()
    assert counts["detections"] == runs["graph"]
    assert counts["pictures"] == result.media.frames == SECONDS * RATE
    assert counts["crops_encoded"] == counts["crops"] > 0.7 * counts["pictures"]
    assert counts["steps"] >= counts["pictures"]


def test_the_floor_does_what_was_noted(media: Path, work: Work, floor: Floor) -> None:
    spent = floor.run(media.read_bytes(), work)
    assert spent.counts == work.counts()
    assert all(seconds > 0 for seconds in spent.parts.values())
    assert sum(spent.parts.values()) <= spent.seconds


def test_one_by_one_is_the_same_work(work: Work) -> None:
    single = work.one_by_one()
    assert single.counts() == work.counts()
    assert {call.crops for call in single if isinstance(call, Encode)} == {1}
    assert {call.steps for call in single if isinstance(call, Advance)} == {1}


def test_what_is_saved_is_loaded_again(work: Work, tmp_path: Path) -> None:
    work.save(tmp_path / "work.json")
    assert Work.load(tmp_path / "work.json") == work


def test_counts_are_of_crops_and_of_steps_of_people_not_of_runs() -> None:
    crop = Crop(0, 0, 96, 96, 48, 48, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    seen: list[Call] = [Look(0, 0, 480, 256), Look(0, 0, 192, 192), Patch(0, 0, 96, 64), Flow(12)]
    work = Work([Picture(0), *seen, crop, crop, Encode(2), Advance(2, 25)])
    counts = {"pictures": 1, "detections": 2, "followed": 1, "crops": 2, "crops_encoded": 2, "steps": 50}
    assert work.counts() == counts


@pytest.mark.parametrize("wanted", [SECONDS * RATE - 1, SECONDS * RATE + 1])
def test_the_floor_refuses_media_of_another_length(media: Path, floor: Floor, wanted: float) -> None:
    seen = Work(call for step in range(int(wanted)) for call in (Picture(step), Look(0, 0, 192, 192)))
    with pytest.raises(ValueError, match="pictures"):
        floor.run(media.read_bytes(), seen)
