"""Made sequences, and that the attention-LSTM learns from them."""

import itertools
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from model_export.expression_tracks import ExpressionTrack  # noqa: E402
from model_export.folds import FOLDS, score_folds  # noqa: E402
from model_export.fusion_data import BASELINES, Sequence, SequenceMaker, collate  # noqa: E402
from model_export.fusion_faces import FaceBank, MadePerson  # noqa: E402
from model_export.fusion_material import CALIBRATION, REPORT, scored_on, trained_on  # noqa: E402
from model_export.fusion_network import FusionNetwork  # noqa: E402
from model_export.fusion_scores import clip_sequences, predict  # noqa: E402
from model_export.long_streams import SENTENCES, score_streams  # noqa: E402
from model_export.metrics import Predictions, score  # noqa: E402
from model_export.speech_features import SpeechClip  # noqa: E402
from model_export.speech_names import Utterance  # noqa: E402
from model_export.train_fusion import FusionRecipe, train_speech_encoder, train_stage  # noqa: E402
from service.engine.engine import BASELINE_FLOOR  # noqa: E402
from service.representation import LABELS, WINDOW  # noqa: E402

SIZE = 16
"""Of an embedding."""


def _clip(speaker: str, label: int, number: int) -> list[SpeechClip]:
    random = np.random.default_rng(number)
    mel = random.normal(-10, 1, (40, 4, 64)).astype(np.float16)
    mel[:, :, 9 * label : 9 * label + 9] += 4  # every emotion has a band of its own
    speech = np.zeros(40, bool)
    speech[10:35] = True
    return [SpeechClip(f"clip{number}", Utterance("ravdess", speaker, LABELS[label]), mel, speech)]


@pytest.fixture(scope="module")
def bank() -> FaceBank:
    random = np.random.default_rng(0)
    labels = np.arange(140) % 7
    embeddings = random.normal(0, 0.3, (140, 4, SIZE))
    embeddings[np.arange(140), :, labels] += 2
    logs = np.full((140, 7), -4.0, np.float32)
    logs[np.arange(140), labels] = -0.1
    rows = tuple(np.flatnonzero(labels == label) for label in range(7))
    seen = logs + random.normal(0, 0.5, logs.shape).astype(np.float32)
    return FaceBank(embeddings.astype(np.float16), seen, 0.3 * np.eye(7, dtype=np.float32)[labels] + 0.1, rows)


@pytest.fixture(scope="module")
def maker(bank: FaceBank) -> SequenceMaker:
    clips = [_clip(f"ravdess-{2 + number % 2:02d}", number % 7, number) for number in range(28)]
    tracks = {clip[0].name: ExpressionTrack(8 * np.eye(7, dtype=np.float32)[number % 7], None)
              for number, clip in enumerate(clips)}  # fmt: skip
    return SequenceMaker(clips, tracks, bank, longest=60)


def test_no_speaker_is_in_two_parts() -> None:
    clips = [_clip(speaker, 0, 0) for speaker in ("ravdess-02", "ravdess-17", "ravdess-19", "ravdess-16", "emodb-03")]
    assert [clip[0].utterance.speaker for clip in trained_on(clips)] == ["ravdess-02", "emodb-03"]
    assert not set(CALIBRATION) & set(REPORT)
    assert len(scored_on(clips, REPORT)) == 2


def test_folds_leave_every_speaker_out_once() -> None:
    parts = ["savee DC", "savee JE", "savee JK", "emodb 1", "emodb 2"]
    whole = list(itertools.chain(*(group for name, group in FOLDS.items() if name not in parts)))
    assert len(whole) == len(set(whole)) == 19 + 3 + 10
    in_parts = sorted(itertools.chain(*(FOLDS[name] for name in parts)))
    assert in_parts == sorted([*FOLDS["savee"], *FOLDS["emodb"]])


def test_a_fold_is_calibrated_by_the_others_alone() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(7, size=4000)
    logits = torch.from_numpy(random.normal(0, 1, (4000, 7)) + 2 * np.eye(7)[labels])
    sure = torch.softmax(3 * logits, dim=1).double().numpy()
    half = len(labels) // 2
    found = {
        "ravdess 1": Predictions(sure[:half], labels[:half]),
        "ravdess 2": Predictions(sure[half:], labels[half:]),
        "savee": Predictions(sure[:half], (labels[:half] + 1) % 7),
    }
    scores = score_folds(found)
    assert scores["ravdess"]["n"] == 4000
    assert scores["ravdess"]["accuracy"] == score(Predictions(sure, labels), 0)["accuracy"]
    assert scores["ravdess"]["ece"] < 0.03 < score(Predictions(sure, labels), 0)["ece"]
    assert scores["savee"]["ece"] > 0.3  # what is wrong does not calibrate itself


@pytest.mark.parametrize("kind", BASELINES)
def test_a_baseline_is_a_mean_of_log_probabilities_and_a_weight(bank: FaceBank, kind: str) -> None:
    random = np.random.default_rng(1)
    baseline = MadePerson(bank, random).baseline(np.full(30, 3), kind, random)
    assert baseline.shape == (8,)
    if kind == "absent":
        assert not baseline.any()
    else:
        assert 0 < baseline[7] < 1
        assert (baseline[:7] >= BASELINE_FLOOR).all()
    if kind == "short":
        assert baseline[:7] == pytest.approx(bank.logs[3], abs=1e-5)


def test_a_made_person_shows_what_is_asked_and_leans_the_same_way(bank: FaceBank) -> None:
    random = np.random.default_rng(2)
    people = [MadePerson(bank, random) for _ in range(40)]
    leanings = []
    for person in people:
        rows = [person.pick(4, random) for _ in range(20)]
        assert set(rows) <= set(bank.rows[4])
        leanings.append(bank.logs[rows].mean(axis=0))
    chance = bank.logs[random.choice(bank.rows[4], (40, 20))].mean(axis=1)
    assert np.std(leanings, axis=0).mean() > 1.2 * chance.std(axis=0).mean()


def test_clips_for_scores_are_the_same_every_time(maker: SequenceMaker) -> None:
    for one, other in zip(*(clip_sequences(maker, 5, "both", "long") for _ in range(2)), strict=True):
        np.testing.assert_array_equal(one.face, other.face)
        np.testing.assert_array_equal(one.baseline, other.baseline)


def test_a_place_of_a_batch_goes_on_only_with_clips(maker: SequenceMaker) -> None:
    random, stream = np.random.default_rng(3), maker.stream()
    drawn = [stream(random) for _ in range(200)]
    assert not drawn[0].goes_on
    assert 60 < sum(sequence.goes_on for sequence in drawn) < 120
    for before, sequence in itertools.pairwise(drawn):
        if sequence.goes_on:
            assert before.mel.any() or before.face_present.any()
            assert not sequence.whole.any()


def test_a_still_face_is_trained_on_with_all_that_people_saw_and_judged_by_its_label(maker: SequenceMaker) -> None:
    random = np.random.default_rng(7)
    trained = [maker.still(random) for _ in range(20)]
    assert all(sorted(still.whole) == pytest.approx([0.1] * 6 + [0.4]) for still in trained)
    assert len({len(still.face) for still in trained}) > 5
    judged = maker.still(random, 9, 2)
    assert len(judged.face) == 1
    assert judged.whole.tolist() == [0, 0, 1, 0, 0, 0, 0]


def test_modalities_that_are_left_out_are_empty(maker: SequenceMaker) -> None:
    random = np.random.default_rng(4)
    audio, video = (maker.from_clip(3, random, modality=way) for way in ("audio", "video"))
    assert not audio.face.any()
    assert not audio.face_present.any()
    assert not video.mel.any()
    assert not video.heard.any()
    assert audio.heard.sum() == 25


def test_a_batch_is_padded_with_nothing(maker: SequenceMaker) -> None:
    random = np.random.default_rng(5)
    sequences: list[Sequence] = [maker.still(random), maker.from_clip(0, random, modality="both")]
    batch = collate(sequences)
    assert batch["heard"].shape == (2, WINDOW - 1 + 40)
    assert not batch["heard"][:, : WINDOW - 1].any()
    steps = len(sequences[0].face_present)
    assert not batch["face_present"][0, steps:].any()


def test_cuts_lie_around_speech_and_differ(maker: SequenceMaker) -> None:
    random = np.random.default_rng(6)
    cuts = [maker.from_clip(0, random, modality="audio", vary=True).heard for _ in range(30)]
    assert len({len(cut) for cut in cuts}) > 5
    assert all(cut.sum() == 25 for cut in cuts)
    short = SequenceMaker([_clip("ravdess-02", 0, 0)], {}, None, longest=15, embedding_size=SIZE)
    cuts = [short.draw_speech(random).heard for _ in range(30)]
    assert {len(cut) for cut in cuts} == {15}
    assert len({int(cut.sum()) for cut in cuts}) > 3


def test_the_speech_encoder_learns_by_the_short_way(maker: SequenceMaker) -> None:
    torch.manual_seed(0)
    network = FusionNetwork(SIZE)
    network.speech_encoder.mean.fill_(-9.5)
    network.speech_encoder.deviation.fill_(2.0)
    before = {name: value.clone() for name, value in network.named_parameters()}
    recipe = FusionRecipe(steps=40, peak_rate=1e-2, averaging=0.8)
    trained = train_speech_encoder(network, maker.draw_speech, recipe, 0)
    with torch.no_grad():
        sequences = [maker.from_clip(index, np.random.default_rng(0), modality="audio") for index in range(28)]
        batch = {name: torch.from_numpy(array) for name, array in collate(sequences).items()}
        logits = trained.logits_of_sound(batch["mel"], batch["sound_present"], batch["heard"][:, WINDOW - 1 :])
    assert (logits.argmax(dim=1) == batch["whole"].argmax(dim=1)).float().mean() > 0.8
    for name, value in trained.named_parameters():
        if name.startswith(("lstm", "alignment", "see", "compare", "perception.embeddings", "perception.project")):
            assert torch.equal(value, before[name])


def test_how_far_the_microphone_is_is_heard_less_and_less() -> None:
    torch.manual_seed(0)
    normalise = FusionNetwork(SIZE).speech_encoder.normalise
    x = 0.8 * torch.randn(1, 500, 4, 64) + torch.linspace(0.2, 1.2, 64)
    x[:, ::7] -= 3  # pauses
    (near, sums), (far, _) = (normalise(x - by, torch.ones(1, 500), torch.zeros(1, 66)) for by in (0.0, 0.4))
    assert sums.shape == (1, 66)
    distance = (near - far).mean(dim=(0, 2, 3))
    assert distance[0] > 0.3
    assert distance[-50:].max() < 0.15
    loud = near[:, -49:][:, [step for step in range(49) if (451 + step) % 7]]
    assert loud.mean(dim=(0, 1, 2)).square().mean().sqrt() < 0.15
    assert loud.std() == pytest.approx(1, abs=0.15)


def test_the_average_of_sound_is_the_same_in_pieces_and_leaves_absent_sound_out() -> None:
    torch.manual_seed(1)
    normalise = FusionNetwork(SIZE).speech_encoder.normalise
    x, present = torch.randn(2, 60, 4, 64), torch.ones(2, 60)
    present[:, 20:30] = 0
    whole, sums = normalise(x, present, torch.zeros(2, 66))
    pieces, past = [], torch.zeros(2, 66)
    for start, end in ((0, 7), (7, 8), (8, 60)):
        piece, past = normalise(x[:, start:end], present[:, start:end], past)
        pieces.append(piece)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(past, sums, atol=1e-4, rtol=1e-5)
    other = x.clone()
    other[:, 20:30] = 100
    torch.testing.assert_close(normalise(other, present, torch.zeros(2, 66))[1], sums)


@pytest.mark.parametrize("level", [-50.0, 0.0, 50.0])
def test_the_average_of_sound_stays_bounded_over_an_hour(level: float) -> None:
    normalise = FusionNetwork(SIZE).speech_encoder.normalise
    past = torch.zeros(1, 66)
    for _ in range(90):
        x, past = normalise(level + torch.randn(1, 1000, 4, 64), torch.ones(1, 1000), past)
    assert torch.isfinite(past).all()
    assert x.abs().max() < (60 / 0.3 if level < 0 else 20)  # what is never loud is not made louder


def test_the_network_learns_from_sound_and_faces(maker: SequenceMaker) -> None:
    torch.manual_seed(0)
    network = FusionNetwork(SIZE)
    network.speech_encoder.mean.fill_(-9.5)
    network.speech_encoder.deviation.fill_(2.0)
    recipe = FusionRecipe(steps=40, peak_rate=1e-2, averaging=0.8)
    trained = train_stage(network, [maker.stream() for _ in range(12)], recipe, 0)
    sequences = clip_sequences(maker, 28, "both")
    right = predict(trained, sequences)[0].argmax(axis=1) == [sequence.whole.argmax() for sequence in sequences]
    assert right.mean() > 0.5


def test_long_streams_score_the_same_clips_early_and_late(maker: SequenceMaker) -> None:
    torch.manual_seed(0)
    found = score_streams(maker, 4, FusionNetwork(SIZE).eval(), 0.4)
    for place in ("1", "10", "100"):
        assert found[f"sentence {place}"]["n"] == 4
        assert place in found["seconds_to_follow"]


def test_a_clip_of_a_long_stream_looks_the_same_wherever_it_stands(
    maker: SequenceMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    drawn: list[Sequence] = []
    real = maker.from_clip

    def noted(*given: Any, **options: Any) -> Sequence:
        drawn.append(real(*given, **options))
        return drawn[-1]

    monkeypatch.setattr(maker, "from_clip", noted)
    score_streams(maker, 2, FusionNetwork(SIZE).eval(), 0.4)
    streams = len(drawn) // SENTENCES
    first, tenth, last = (drawn[streams * place : streams * (place + 1)] for place in (0, 9, 99))
    for one, other, another in zip(first, tenth, last, strict=True):
        np.testing.assert_array_equal(one.face, other.face)
        np.testing.assert_array_equal(one.face, another.face)
        np.testing.assert_array_equal(one.mel, another.mel)
    assert len({one.face.tobytes() for one in first}) == streams > 2  # in another stream it has another face
