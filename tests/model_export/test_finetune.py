"""Fine-tuning, from videos in folders to files that the service loads."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from model_export import finetune as finetuning  # noqa: E402
from model_export.__main__ import main  # noqa: E402
from model_export.datasets.features import ClipFeatures  # noqa: E402
from model_export.evaluate import answer_of  # noqa: E402
from model_export.finetune import accuracy, choose, finetune  # noqa: E402
from model_export.fusion_scores import distributions  # noqa: E402
from model_export.real_sequences import RealClip, RealSequences, embed, whole_sequence  # noqa: E402
from model_export.restore import restore_fusion  # noqa: E402
from model_export.train_fusion import FusionRecipe  # noqa: E402
from service.engine import Engine  # noqa: E402
from service.engine.engine import WEIGHTS  # noqa: E402
from service.representation import LABELS  # noqa: E402

SHORT = FusionRecipe(steps=4, peak_rate=1e-4, averaging=0.5)
DISGUST, FEAR = LABELS.index("disgust"), LABELS.index("fear")


def _features(seed: int, steps: int, bright: bool) -> ClipFeatures:
    """A clip of noise, in which bright faces have a bar across them."""
    random = np.random.default_rng(seed)
    crops = random.integers(0, 60, (steps - 2, 48, 48)).astype(np.uint8)
    crops[:, 10:20] += 150 * bright
    crops[:, :, 30:40] += 150 * (not bright)
    face = np.ones(steps, bool)
    face[5:7] = False
    mel = random.normal(-6, 3, (steps, 4, 64)).astype(np.float16)
    return ClipFeatures(crops, face, mel, np.ones(steps, bool), random.random(steps) < 0.6)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Little work at a time, for which threads would only wait for each other."""
    monkeypatch.setattr(finetuning, "BATCH", 8)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def clips(engine: Engine) -> list[RealClip]:
    """Twelve clips, disgust and fear in turn."""
    return [embed(engine, _features(seed, 20 + seed, seed % 2 == 0), (DISGUST, FEAR)[seed % 2]) for seed in range(12)]


def test_a_whole_clip_gives_in_training_what_the_service_answers(engine: Engine, clips: list[RealClip]) -> None:
    network = restore_fusion(WEIGHTS / "fusion.onnx")
    wanted = distributions(network, [whole_sequence(clip) for clip in clips]).probabilities
    for clip, row in zip(clips, wanted, strict=True):
        np.testing.assert_allclose(answer_of(engine, clip.features.steps()), row, atol=5e-3)  # embeddings are fp16


@pytest.mark.parametrize(("way", "face", "sound"), [("audio", 0, 20), ("video", 18, 0), ("both", 18, 20)])
def test_a_modality_that_is_not_wanted_is_taken_out_whole(
    clips: list[RealClip], way: str, face: int, sound: int
) -> None:
    sequence = whole_sequence(clips[0], way)
    assert (sequence.face_present.sum(), sequence.sound_present.sum()) == (face, sound)
    assert (np.abs(sequence.face).sum() > 0) == (face > 0)
    assert (np.abs(sequence.mel).sum() > 0) == (sequence.heard.sum() > 0) == (sound > 0)


def test_drawn_sequences_are_parts_of_clips_with_their_labels(engine: Engine) -> None:
    long = embed(engine, _features(0, 300, True), DISGUST)
    short = embed(engine, _features(1, 30, False), FEAR)
    random = np.random.default_rng(0)
    drawn = [RealSequences([long, short]).draw(random) for _ in range(40)]
    for sequence in drawn:
        steps = {DISGUST: 120, FEAR: 30}[int(sequence.whole.argmax())]
        assert len(sequence.heard) == len(sequence.face) == len(sequence.target) == steps
    assert {int(sequence.whole.argmax()) for sequence in drawn} == {DISGUST, FEAR}
    assert len({float(sequence.mel.sum()) for sequence in drawn if sequence.sound_present.any()}) > 10


def test_one_emotion_is_not_enough_to_train_on(clips: list[RealClip]) -> None:
    with pytest.raises(ValueError, match="fewer than two"):
        RealSequences(clips[::2])


def test_training_learns_and_the_best_on_val_is_kept(clips: list[RealClip]) -> None:
    network = restore_fusion(WEIGHTS / "fusion.onnx")
    recipe = FusionRecipe(steps=24, peak_rate=5e-3, averaging=0.5)
    before = accuracy(network, clips)
    chosen = choose(network, RealSequences(clips), clips, 0, recipe, 1)
    assert before < 0.9 < accuracy(chosen, clips)


def test_what_went_in_comes_out_where_training_makes_it_worse(
    clips: list[RealClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = restore_fusion(WEIGHTS / "fusion.onnx")
    monkeypatch.setattr(finetuning, "accuracy", lambda candidate, _clips: float(candidate is network))
    assert choose(network, RealSequences(clips), clips, 0, SHORT, 2) is network


@pytest.fixture
def videos(sample: Path, tmp_path: Path) -> Path:
    """AFEW in small: one and the same clip everywhere."""
    for key in ("Train/Happy/a.mp4", "Train/Sad/b.mp4", "Val/Happy/c.mp4", "Val/Angry/d.mp4"):
        path = tmp_path / "AFEW" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(sample)
    return tmp_path / "AFEW"


def test_fine_tuning_writes_files_that_the_service_loads(videos: Path, tmp_path: Path) -> None:
    report = finetune({"afew": videos}, tmp_path, WEIGHTS, tmp_path / "out", 0, recipe=SHORT, cycles=1)
    tuned = Engine.load(tmp_path / "out", "cpu")
    assert tuned.fusion.version.endswith("+afew")
    assert tuned.fusion.training_data.endswith("Fine-tuned on afew.")
    assert report["afew"]["val"]["n"] == 2
    assert json.loads((tmp_path / "out" / "scores.json").read_text()) == report
    restore_fusion(tmp_path / "out" / "fusion.onnx")  # and may be tuned again


def test_the_command_says_what_is_wrong_with_the_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for data, said in (("afew", "NAME=FOLDER"), ("moon=/tmp", "no data set moon"), (f"afew={tmp_path}/x", "no folder")):
        assert main(["train", "--data", data, "--work-dir", str(tmp_path)]) == 1
        assert said in capsys.readouterr().err
