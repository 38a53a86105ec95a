"""The shipped networks under onnxruntime."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import onnxruntime as ort
import pytest
from engine.steps import random_inputs
from hypothesis import given, settings
from hypothesis import strategies as st

from service.engine import Engine, FusionOutputs, ProviderChoice
from service.engine.engine import WEIGHTS
from service.errors import ModelMismatch, ProviderUnavailable
from service.representation import WINDOW

_ANSWERS = ("probabilities", "overall", "scores", "alignment")
_TIMED = ("face", "face_present", "mel", "sound_present")


def _assert_close(first: FusionOutputs, second: FusionOutputs) -> None:
    for name in _ANSWERS:
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-5), name


@settings(max_examples=25, deadline=None)
@given(
    people=st.integers(1, 5), steps=st.integers(1, 25), seed=st.integers(0, 9), decay=st.sampled_from([0, -0.02, -0.4])
)
def test_many_steps_at_once_equal_one_after_the_other(
    engine: Engine, people: int, steps: int, seed: int, decay: float
) -> None:
    inputs = random_inputs(engine, people, steps, seed, decay)
    whole = engine.advance(inputs)
    state = inputs.state
    for t in range(steps):
        timed = {name: getattr(inputs, name)[:, t : t + 1] for name in _TIMED}
        one = engine.advance(replace(inputs, **timed, heard=inputs.heard[:, t : t + WINDOW], state=state))
        state = one.next_state
        for name in _ANSWERS:
            assert getattr(one, name)[:, 0] == pytest.approx(getattr(whole, name)[:, t], abs=1e-5), name
    # Both states are the same past, though not number by number: a common scale is free. They lead to the same future.
    more = random_inputs(engine, people, 5, seed + 1, decay)
    _assert_close(engine.advance(replace(more, state=state)), engine.advance(replace(more, state=whole.next_state)))


def test_who_shares_a_batch_changes_nothing(engine: Engine) -> None:
    requests = [random_inputs(engine, people, 10, seed) for seed, people in enumerate([1, 2, 3, 1, 4] * 4)]
    alone = [engine.advance(request) for request in requests]
    with ThreadPoolExecutor(len(requests)) as pool:
        for expected, met in zip(alone, pool.map(engine.advance, requests), strict=True):
            _assert_close(expected, met)


def test_crops_are_encoded_alike_alone_and_together(engine: Engine) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (90, 48, 48), dtype=np.uint8)
    together = engine.encode(crops)
    assert together.probabilities.sum(axis=1) == pytest.approx(np.ones(90), abs=1e-5)
    for row in (0, 41, 89):
        one = engine.encode(crops[row : row + 1])
        assert one.embedding[0] == pytest.approx(together.embedding[row], abs=1e-4)


def test_the_state_of_a_person_is_at_most_20_kilobytes(engine: Engine) -> None:
    state = engine.initial_state(1).read()
    assert state.nbytes <= 20_000
    assert not state.any()


def test_the_sound_part_of_the_state_does_not_depend_on_faces(engine: Engine) -> None:
    inputs = random_inputs(engine, 1, 30)
    unseen = replace(inputs, face_present=np.zeros_like(inputs.face_present))
    size = engine.fusion.sound_state_size
    one, other = (engine.advance(asked).next_state.read() for asked in (inputs, unseen))
    assert (one[:, :size] == other[:, :size]).all()


@pytest.mark.parametrize("name", ["face_encoder.onnx", "fusion.onnx"])
@pytest.mark.parametrize("keep", [0, 1000, 0.5])
def test_a_truncated_model_file_is_refused(tmp_path: Path, name: str, keep: float) -> None:
    weights = copytree(WEIGHTS, tmp_path / "weights")
    content = (weights / name).read_bytes()
    (weights / name).write_bytes(content[: int(len(content) * keep) if keep < 1 else int(keep)])
    with pytest.raises(ModelMismatch, match=name):
        Engine.load(weights, "cpu")


def test_swapped_model_files_are_refused(tmp_path: Path) -> None:
    weights = copytree(WEIGHTS, tmp_path / "weights")
    (weights / "fusion.onnx").write_bytes((weights / "face_encoder.onnx").read_bytes())
    with pytest.raises(ModelMismatch, match="fusion"):
        Engine.load(weights, "cpu")


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match=r"face_encoder\.onnx"):
        Engine.load(tmp_path, "cpu")


def test_the_active_provider_is_told(engine: Engine) -> None:
    assert engine.provider == "cpu"


@pytest.mark.skipif("CUDAExecutionProvider" in ort.get_available_providers(), reason="this onnxruntime has CUDA")
def test_cuda_without_a_cuda_provider_is_an_error_and_auto_is_the_cpu() -> None:
    with pytest.raises(ProviderUnavailable, match="gpu"):
        Engine.load(provider="cuda")
    assert Engine.load(provider="auto").provider == "cpu"


@pytest.mark.skipif("CUDAExecutionProvider" in ort.get_available_providers(), reason="this onnxruntime has CUDA")
@pytest.mark.filterwarnings("ignore:Specified provider")
@pytest.mark.parametrize("choice", ["cuda", "auto"])
def test_cuda_that_is_offered_and_does_not_come_up_is_an_error_and_no_run_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, choice: ProviderChoice
) -> None:
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("service.engine.providers.ort.get_available_providers", lambda: offered)
    with pytest.raises(ProviderUnavailable, match=r"asked for cuda, but onnxruntime runs .* on CPUExecutionProvider"):
        Engine.load(provider=choice)
