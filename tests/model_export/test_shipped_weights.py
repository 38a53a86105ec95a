"""The two ONNX files that ship: what they promise about themselves, and that time may be cut anywhere."""

import dataclasses
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.evaluate import evaluate_faces, evaluate_speech
from service.engine import Engine, FusionInputs, FusionOutputs
from service.engine.engine import WEIGHTS
from service.engine.metadata import expected, read_metadata
from service.engine.types import EVIDENCE
from service.representation import CROP_SIZE, LABELS, WINDOW


@pytest.fixture(scope="module", params=["face_encoder", "fusion"])
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _properties(role: str) -> dict[str, str]:
    session = ort.InferenceSession(str(WEIGHTS / f"{role}.onnx"), providers=["CPUExecutionProvider"])
    return dict(session.get_modelmeta().custom_metadata_map)


def _random_inputs(engine: Engine, people: int, steps: int, seed: int) -> FusionInputs:
    random = np.random.default_rng(seed)
    empty = engine.silence(people=people, steps=steps)

    def flags(probability: float, before: int = 0) -> np.ndarray:
        return (random.random((people, before + steps)) < probability).astype(np.float32)

    return dataclasses.replace(
        empty,
        face=np.abs(random.normal(size=empty.face.shape)).astype(np.float32),
        face_present=flags(random.random()),
        mel=random.normal(-6, 3, empty.mel.shape).astype(np.float32),
        sound_present=flags(0.8),
        heard=flags(random.random(), WINDOW - 1),
        baseline=np.hstack([random.uniform(-8, 0, (people, len(LABELS))), random.random((people, 1))]).astype(
            np.float32
        ),
        decay=-random.uniform(0, 0.2, people).astype(np.float32) * (random.random(people) < 0.7),
    )


def _advance_in_pieces(engine: Engine, inputs: FusionInputs, ends: list[int]) -> list[FusionOutputs]:
    pieces, state, start = [], inputs.state, 0
    timed = ("face", "face_present", "mel", "sound_present")
    for end in ends:
        cut = {name: getattr(inputs, name)[:, start:end] for name in timed}
        heard = inputs.heard[:, start : WINDOW - 1 + end]
        pieces.append(engine.advance(dataclasses.replace(inputs, state=state, heard=heard, **cut)))
        state, start = pieces[-1].next_state, end
    return pieces


def test_metadata_equals_the_constants_of_the_service(role: str) -> None:
    properties = _properties(role)
    metadata = read_metadata(properties, role=role, file=role)
    assert {f"attune.{key}" for key in expected()} <= set(properties)
    assert metadata.version != "0"
    assert "RAVDESS" in metadata.training_data
    assert "non-commercial" in metadata.licence
    assert 0 < metadata.uncertain_below < 1


def test_the_state_of_a_person_is_at_most_twenty_kilobytes(engine: Engine) -> None:
    assert 0 < engine.fusion.sound_state_size < engine.fusion.state_size
    assert 4 * engine.fusion.state_size <= 20_000


def test_files_stay_small(role: str) -> None:
    assert (WEIGHTS / f"{role}.onnx").stat().st_size < 4_000_000


@settings(max_examples=25, deadline=None)
@given(
    people=st.integers(1, 3), steps=st.integers(2, 60), seed=st.integers(0, 10_000), cuts=st.sets(st.integers(1, 59))
)
def test_time_may_be_cut_anywhere(engine: Engine, people: int, steps: int, seed: int, cuts: set[int]) -> None:
    inputs = _random_inputs(engine, people, steps, seed)
    whole = engine.advance(inputs)
    pieces = _advance_in_pieces(engine, inputs, [*sorted(cut for cut in cuts if cut < steps), steps])
    for name in ("probabilities", "overall", "scores", "alignment"):
        joined = np.concatenate([getattr(piece, name) for piece in pieces], axis=1)
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-5, err_msg=name)
    # The states hold long sums, so number by number they differ by rounding. They lead to the same future.
    more = _random_inputs(engine, people, 5, seed + 1)
    one, other = (engine.advance(dataclasses.replace(more, state=end.next_state)) for end in (pieces[-1], whole))
    for name in ("probabilities", "overall"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-5, err_msg=name)


def test_time_may_be_cut_in_a_pause(engine: Engine) -> None:
    inputs = _random_inputs(engine, 2, 60, seed=3)
    inputs.face_present[:, 20:] = 0
    inputs.heard[:, WINDOW - 1 :] = 0
    inputs.decay[:] = -0.02
    whole = engine.advance(inputs)
    pieces = _advance_in_pieces(engine, inputs, [30, 45, 46, 60])
    joined = np.concatenate([piece.probabilities for piece in pieces], axis=1)
    np.testing.assert_allclose(joined, whole.probabilities, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_person_is_measured_alike_alone_and_in_a_batch(engine: Engine, seed: int) -> None:
    inputs = _random_inputs(engine, 4, 12, seed)
    alone = FusionInputs(
        **{name: getattr(inputs, name)[2:3] for name in EVIDENCE}, state=inputs.state.select([2], [True])
    )
    batch = engine.advance(inputs)
    np.testing.assert_allclose(engine.advance(alone).overall[0], batch.overall[2], atol=1e-5)


def test_the_sound_part_of_the_state_does_not_depend_on_the_face(engine: Engine) -> None:
    inputs = _random_inputs(engine, 1, 40, seed=1)
    faceless = dataclasses.replace(inputs, face_present=np.zeros_like(inputs.face_present))
    size = engine.fusion.sound_state_size
    first, second = (engine.advance(asked).next_state.read() for asked in (inputs, faceless))
    np.testing.assert_allclose(first[:, :size], second[:, :size], atol=1e-6)
    assert not np.allclose(first[:, size:], second[:, size:])


def test_alignment_spans_the_last_second_of_speech_alone(engine: Engine) -> None:
    inputs = engine.silence(people=1, steps=60)
    inputs.mel[:] = np.random.default_rng(0).normal(-6, 3, inputs.mel.shape)
    inputs.sound_present[:] = 1
    inputs.heard[0, WINDOW - 1 + 10 : WINDOW - 1 + 15] = 1
    outputs = engine.advance(inputs)
    heard = outputs.alignment[0].sum(axis=1)
    np.testing.assert_allclose(heard[10 : 15 + WINDOW - 1], 1, atol=1e-5)
    assert not heard[:10].any()
    assert not heard[15 + WINDOW - 1 :].any()
    assert outputs.alignment[0, 20, : WINDOW - 11].max() == 0  # 25 - 11 steps before speech began


def test_steps_without_evidence_leave_the_whole_as_it_was(engine: Engine) -> None:
    inputs = engine.silence(people=1, steps=40)
    inputs.face[:] = np.abs(np.random.default_rng(3).normal(size=inputs.face.shape))
    inputs.face_present[0, :20] = 1
    overall = engine.advance(inputs).overall[0]
    np.testing.assert_allclose(overall[20:], np.repeat(overall[19:20], 20, axis=0), atol=1e-6)


def test_answers_stay_finite_over_an_hour_without_evidence(engine: Engine) -> None:
    inputs = engine.silence(people=1, steps=300)
    inputs.decay[:] = -0.5
    inputs.face_present[0, 0] = 1
    state = inputs.state
    for _ in range(20):
        outputs = engine.advance(dataclasses.replace(inputs, state=state))
        state = outputs.next_state
    np.testing.assert_allclose(outputs.probabilities.sum(axis=2), 1, atol=1e-5)
    assert np.isfinite(state.read()).all()


def test_the_face_encoder_answers_any_number_of_crops(engine: Engine) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (5, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    faces = engine.encode(crops)
    assert faces.probabilities.shape == (5, len(LABELS))
    np.testing.assert_allclose(engine.encode(crops[3:4]).embedding[0], faces.embedding[3], atol=1e-4)


def test_exposure_of_a_crop_hardly_matters_to_the_face_encoder(engine: Engine) -> None:
    crop = np.random.default_rng(0).integers(60, 200, (1, CROP_SIZE, CROP_SIZE)).astype(np.float32)
    darker = engine.encode((crop * 0.7).astype(np.uint8)).probabilities
    np.testing.assert_allclose(darker, engine.encode(crop.astype(np.uint8)).probabilities, atol=0.05)


@pytest.mark.data
def test_faces_never_trained_on_are_recognised_far_above_chance(engine: Engine, data_dir: Path, tmp_path: Path) -> None:
    with np.load(data_dir / "faces" / "fer_valid.npz") as stored:
        np.savez(tmp_path / "some.npz", images=stored["images"][:800], votes=stored["votes"][:800])
    scores = evaluate_faces(engine, tmp_path / "some.npz")
    assert scores["accuracy"] > 0.75
    assert scores["encoder"]["accuracy"] > 0.78
    assert scores["mean_recall"] > 0.5


@pytest.mark.data
def test_a_speaker_never_trained_on_is_recognised_far_above_chance(engine: Engine, data_dir: Path) -> None:
    scores = evaluate_speech(engine, [data_dir / "speech" / "ravdess" / "Actor_17"])
    assert scores["n"] == 52  # 60 clips without the 8 calm ones
    assert scores["accuracy"] > 0.4
    assert scores["mean_recall"] > 0.4
