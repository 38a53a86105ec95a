"""Features of clips: the service's own, kept, and taken up again where they were left."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from media.clips import Clip, write_clip

from model_export.datasets import DatasetClip, features
from model_export.datasets.features import ClipFeatures, extract, load, perceive_clip
from model_export.datasets.recode import recode
from model_export.evaluate import answer_of
from model_export.recordings import perceive_file
from service.engine import Engine
from service.errors import MediaUnreadable, UnsupportedMedia
from service.media import decode
from service.perception.detector import FaceDetector

SECONDS = 0.6


def _clip(folder: Path, name: str, clip: Clip | None = None) -> DatasetClip:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_clip(clip or Clip(seconds=SECONDS)))
    return DatasetClip("folders", path, name, "happy")


def _equal(one: ClipFeatures, other: ClipFeatures) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(ClipFeatures))


def test_features_are_what_the_service_perceives(sample: Path, detector: FaceDetector, engine: Engine) -> None:
    found = perceive_clip(sample, detector)
    wanted = perceive_file(sample, detector).steps
    assert len(found.face) == len(wanted)
    assert found.face.tolist() == [bool(step.faces) for step in wanted]
    assert found.speech.tolist() == [step.speech for step in wanted]
    assert len(found.crops) == found.face.sum() > 200
    again = found.steps()
    for one, other in zip(again, wanted, strict=True):
        if other.faces:
            assert np.array_equal(one.faces[0].crop, other.faces[0].crop)
        if other.mel is not None and one.mel is not None:
            np.testing.assert_allclose(one.mel, other.mel, atol=0.01)  # kept as fp16
    np.testing.assert_allclose(answer_of(engine, again), answer_of(engine, wanted), atol=0.01)


def test_what_is_missing_in_a_clip_is_told(tmp_path: Path, detector: FaceDetector) -> None:
    silent = perceive_clip(_clip(tmp_path, "a.mp4", Clip(seconds=SECONDS, audio=None)).path, detector)
    assert not silent.sound.any()
    assert silent.steps()[3].mel is None
    heard = perceive_clip(_clip(tmp_path, "b.mkv", Clip("matroska", seconds=SECONDS, video=None)).path, detector)
    assert heard.sound.all()
    assert not heard.face.any()
    assert heard.crops.shape == (0, 48, 48)


def test_a_second_run_perceives_only_what_is_new_or_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [_clip(tmp_path, name) for name in ("happy/a.mp4", "happy/b.mp4")]
    cache = tmp_path / "cache"
    first = [load(file) for _, file in extract(clips, cache)]
    seen: list[Path] = []

    def watched(path: Path, detector: FaceDetector) -> ClipFeatures:
        seen.append(path)
        return perceive_clip(path, detector)

    monkeypatch.setattr(features, "perceive_clip", watched)
    assert all(_equal(one, load(file)) for one, (_, file) in zip(first, extract(clips, cache), strict=True))
    assert seen == []
    clips.append(_clip(tmp_path, "happy/c.mp4"))
    _clip(tmp_path, "happy/b.mp4", Clip(seconds=2 * SECONDS))
    extract(clips, cache)
    assert sorted(seen) == [tmp_path / "happy/b.mp4", tmp_path / "happy/c.mp4"]


def test_a_damaged_file_of_the_cache_is_written_anew(tmp_path: Path) -> None:
    clips = [_clip(tmp_path, "happy/a.mp4")]
    ((_, file),) = extract(clips, tmp_path / "cache")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert len(load(extract(clips, tmp_path / "cache")[0][1]).face) > 0


def test_a_clip_that_cannot_be_read_is_left_out_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = _clip(tmp_path, "happy/a.mp4"), _clip(tmp_path, "happy/b.mp4")
    content = bad.path.read_bytes()
    bad.path.write_bytes(b"nothing that FFmpeg knows")
    found = extract([good, bad], tmp_path / "cache")
    assert [clip.key for clip, _ in found] == ["happy/a.mp4"]
    assert "b.mp4 is left out" in caplog.text
    bad.path.write_bytes(content)
    assert len(extract([good, bad], tmp_path / "cache")) == 2


def test_nothing_of_an_interrupted_run_is_lost_or_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [_clip(tmp_path, f"happy/{name}.mp4") for name in "abc"]

    def interrupted(path: Path, detector: FaceDetector) -> ClipFeatures:
        if path.stem == "b":
            raise KeyboardInterrupt
        return perceive_clip(path, detector)

    monkeypatch.setattr(features, "perceive_clip", interrupted)
    monkeypatch.setattr(features, "_MOST_WORKERS", 1)
    with pytest.raises(KeyboardInterrupt):
        extract(clips, tmp_path / "cache")
    monkeypatch.undo()
    assert (tmp_path / "cache/folders/happy/a.mp4.npz").exists()
    assert not list((tmp_path / "cache").rglob("*.part"))
    assert len(extract(clips, tmp_path / "cache")) == 3


@pytest.mark.parametrize(("container", "video", "audio"), [("flv", "flv", "mp3"), ("avi", "msmpeg4", "pcm_s16le")])
def test_codecs_that_the_service_refuses_are_recoded_with_their_times(
    tmp_path: Path, detector: FaceDetector, container: str, video: str, audio: str
) -> None:
    old = Clip(container, video, audio, seconds=1.0, size=(64, 48), sample_rate=44_100)
    path = _clip(tmp_path, f"old.{container}", old).path
    with path.open("rb") as source, pytest.raises(UnsupportedMedia), decode(source):
        pass
    found = perceive_clip(path, detector)
    assert 25 <= len(found.face) <= 28
    assert found.sound[:25].all()
    with decode(recode(path)) as media:
        list(media)
        assert media.info.frames == 25
        assert media.info.duration == pytest.approx(1.0, abs=0.08)


def test_what_nothing_can_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.mpg"
    path.write_bytes(b"no video")
    with pytest.raises(MediaUnreadable, match=r"x\.mpg"):
        recode(path)
