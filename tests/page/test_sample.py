"""The sample clip: small, ready to stream, one face in view throughout, speech between silences."""

from typing import Any

from page.visiting import SAMPLE


def test_the_sample_is_small_and_its_index_comes_first() -> None:
    content = SAMPLE.read_bytes()
    assert len(content) < 500_000
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_the_sample_shows_one_face_throughout(sample_result: dict[str, Any]) -> None:
    (person,) = sample_result["people"]
    assert person["timeline"][0]["time"] < 0.5
    assert person["timeline"][-1]["time"] > 9.5
    assert all(step["box"] is not None for step in person["timeline"] if step["time"] < 10)


def test_the_sample_speaks_between_silences(sample_result: dict[str, Any]) -> None:
    segments = sample_result["speech"]["segments"]
    spoken = sum(segment["end"] - segment["start"] for segment in segments)
    assert segments[0]["start"] > 0.8
    assert segments[-1]["end"] < 9.5
    assert 5 < spoken < 8
