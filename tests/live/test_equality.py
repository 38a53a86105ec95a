"""A session gives what an upload of the same recording gives, however the media is sent."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from api.harness import Running, run
from live.comparing import (
    assert_same_alignments,
    assert_same_steps,
    assert_same_summaries,
    attention,
    steps_of_stream,
    steps_of_upload,
)
from live.streaming import Transcript, chunks, frame_messages, stream

from service.representation import LABELS

WITHIN = 1e-5

_FOLDER = Path(os.environ.get("ATTUNE_DATA", "../shared/data")) / "clips"
CLIPS = sorted(path.name for path in _FOLDER.iterdir()) if _FOLDER.is_dir() else ["(no recordings)"]


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with run(workers=1) as running:
        yield running


def _assert_equal(transcript: Transcript, upload: dict[str, Any]) -> None:
    assert transcript.of("error") == []
    assert transcript.code == 1000
    measurements, summary = transcript.of("measurement"), transcript.summary
    assert_same_steps(steps_of_stream(measurements), steps_of_upload(upload), WITHIN)
    assert_same_summaries(summary["people"], upload["people"], WITHIN)
    for person in upload["people"]:
        rows = [row for row in measurements if row["id"] == person["id"]]
        assert_same_alignments([row["alignment"] for row in rows], person["alignment"], WITHIN)
        wanted = np.array([person["attention"][label] for label in LABELS]).T
        np.testing.assert_allclose(attention(measurements, summary, person["id"]), wanted, atol=WITHIN)
    spoken = sum(segment["end"] - segment["start"] for segment in upload["speech"]["segments"])
    assert summary["speech"]["seconds"] == pytest.approx(spoken, abs=0.041)
    media = summary["media"]
    assert media["frames"] == media["measured"] + media["off_grid"] + sum(media["dropped"].values())
    assert sum(media["dropped"].values()) == 0


@pytest.mark.data
@pytest.mark.parametrize("name", CLIPS)
def test_a_recording_gives_the_same_as_upload_as_frames_and_in_chunks_cut_anywhere(
    data_dir: Path, service: Running, name: str
) -> None:
    data = (data_dir / "clips" / name).read_bytes()
    upload = service.analyse(data).json()
    _assert_equal(stream(service.port, chunks(data, seed=len(data)), input="container"), upload)
    _assert_equal(stream(service.port, frame_messages(data), input="frames"), upload)


def test_the_sample_gives_the_same_as_upload_as_frames_and_in_chunks_cut_anywhere(
    sample: Path, service: Running
) -> None:
    data = sample.read_bytes()
    upload = service.analyse(data).json()
    _assert_equal(stream(service.port, chunks(data, seed=1)), upload)
    _assert_equal(stream(service.port, frame_messages(data), input="frames"), upload)
