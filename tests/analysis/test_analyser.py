"""The one analyser, on the shipped networks."""

from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from builders import face, step
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.analysis import Analyser, Baseline
from service.domain import Measurement, Step
from service.engine import Engine, FusionInputs, FusionOutputs


def _measure(
    engine: Engine,
    steps: list[Step],
    cuts: list[int] | None = None,
    baseline: Baseline | Literal["learn"] | None = None,
) -> list[Measurement]:
    analyser = Analyser(engine, baseline=baseline)
    edges = [0, *sorted(cuts or []), len(steps)]
    return [m for start, end in pairwise(edges) for m in analyser.push(steps[start:end])]


def _conversation(steps: int, *, speaker: int, speech: bool = True) -> list[Step]:
    """Three faces, of which one moves the mouth with the sound."""
    random = np.random.default_rng(0)
    loudness = np.convolve(random.random(steps + 8), np.hanning(7), "same")[4:-4]
    other = np.convolve(random.random(steps + 8), np.hanning(7), "same")[4:-4]
    made = []
    for k in range(steps):
        one = step(k, tracks=[1, 2, 3], speech=speech, sound=True)
        motions = {track: other[k] / track for track in (1, 2, 3)} | {speaker: loudness[k]}
        assert one.mel is not None
        mel = one.mel - one.mel.mean() + np.float32(loudness[k] - 8)
        faces = tuple(replace(face, motion=float(motions[face.track])) for face in one.faces)
        made.append(replace(one, mel=mel, faces=faces))
    return made


def _assert_same(first: list[Measurement], second: list[Measurement]) -> None:
    assert [(m.person, m.step, m.box, m.audio, m.video, m.speech, m.speaking) for m in first] == [
        (m.person, m.step, m.box, m.audio, m.video, m.speech, m.speaking) for m in second
    ]
    for a, b in zip(first, second, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        assert a.overall == pytest.approx(b.overall, abs=1e-5)
        assert a.scores == pytest.approx(b.scores, abs=1e-4)


_STEPS = st.lists(
    st.tuples(st.sets(st.integers(1, 3), max_size=3), st.booleans(), st.booleans()), min_size=1, max_size=60
)


@settings(max_examples=40, deadline=None)
@given(shape=_STEPS, cuts=st.lists(st.integers(0, 60), max_size=8), learn=st.booleans())
def test_how_steps_are_grouped_changes_nothing(
    engine: Engine, shape: list[tuple[set[int], bool, bool]], cuts: list[int], learn: bool
) -> None:
    steps = [
        step(k, tracks=sorted(tracks), sound=sound, speech=speech) for k, (tracks, sound, speech) in enumerate(shape)
    ]
    baseline: Literal["learn"] | None = "learn" if learn else None
    cuts = [min(cut, len(steps)) for cut in cuts]
    _assert_same(_measure(engine, steps, baseline=baseline), _measure(engine, steps, cuts, baseline))


def test_grouping_changes_nothing_while_it_turns_out_who_speaks(engine: Engine) -> None:
    steps = _conversation(80, speaker=2)
    whole = _measure(engine, steps)
    assert {m.speaking for m in whole} == {True, False, None}
    _assert_same(whole, _measure(engine, steps, [1, 7, 26, 27, 50, 63]))


@settings(max_examples=40, deadline=None)
@given(shape=_STEPS)
def test_every_measurement_is_a_distribution_and_names_its_evidence(
    engine: Engine, shape: list[tuple[set[int], bool, bool]]
) -> None:
    steps = [
        step(k, tracks=sorted(tracks), sound=sound, speech=speech) for k, (tracks, sound, speech) in enumerate(shape)
    ]
    for m in _measure(engine, steps):
        assert m.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert m.overall.sum() == pytest.approx(1, abs=1e-5)
        assert m.video == (m.box is not None)
        assert m.audio == (m.alignment is not None)
        assert np.isfinite(m.scores).all()


def test_steps_before_any_evidence_are_left_out(engine: Engine) -> None:
    steps = [step(k, sound=True) for k in range(20)] + [step(k, speech=True) for k in range(20, 40)]
    measurements = _measure(engine, steps)
    assert [m.step for m in measurements] == list(range(20, 40))
    assert all(m.audio and not m.video and m.box is None for m in measurements)


def test_sound_is_evidence_for_one_second_after_speech_ends(engine: Engine) -> None:
    steps = [step(0, speech=True), *(step(k, sound=True) for k in range(1, 40))]
    measurements = _measure(engine, steps)
    assert [m.audio for m in measurements] == [k < 25 for k in range(40)]


def test_neither_face_nor_speech_is_nobody(engine: Engine) -> None:
    analyser = Analyser(engine)
    assert analyser.push([step(k, sound=k % 2 == 0) for k in range(30)]) == []
    assert analyser.people == 0


def test_a_face_without_sound_is_measured_by_video_alone(engine: Engine) -> None:
    measurements = _measure(engine, [step(k, tracks=[1]) for k in range(30)])
    assert len(measurements) == 30
    assert all(m.video and not m.audio and m.alignment is None for m in measurements)


def test_someone_who_joins_has_heard_what_the_others_heard(engine: Engine) -> None:
    steps = [step(k, tracks=[1], speech=k < 10) for k in range(15)] + [step(15, tracks=[1, 2])]
    first, second = _measure(engine, steps)[-2:]
    assert (first.person, second.person) == (1, 2)
    assert first.alignment is not None
    assert second.alignment is not None


def test_one_person_does_not_disturb_another(engine: Engine) -> None:
    alone = _measure(engine, [step(k, tracks=[1], speech=k > 5) for k in range(40)])
    company = _measure(engine, [step(k, tracks=[1, 2] if k % 9 > 3 else [1], speech=k > 5) for k in range(40)])
    _assert_same(alone, [m for m in company if m.person == 1])


@pytest.mark.parametrize("speaker", [1, 2, 3])
def test_speech_that_is_somebodys_is_no_evidence_for_the_others(engine: Engine, speaker: int) -> None:
    last = _measure(engine, _conversation(100, speaker=speaker))[-3:]
    assert [m.speaking for m in last] == [person == speaker for person in (1, 2, 3)]
    assert [m.audio for m in last] == [person == speaker for person in (1, 2, 3)]
    assert all(m.speech and m.video for m in last)


def test_until_it_is_decided_who_speaks_the_sound_is_everyones(engine: Engine) -> None:
    first = _measure(engine, _conversation(20, speaker=2))
    assert {m.speaking for m in first} == {None}
    assert all(m.audio for m in first)


def test_without_speech_nobody_is_said_to_speak(engine: Engine) -> None:
    assert {m.speaking for m in _measure(engine, _conversation(60, speaker=2, speech=False))} == {None}


def test_who_joins_has_heard_the_speech_that_was_everyones_but_not_anothers(engine: Engine) -> None:
    steps = _conversation(101, speaker=1)
    newcomer = face(4)
    decided = _measure(engine, [*steps[:100], replace(steps[100], speech=False, faces=(*steps[100].faces, newcomer))])
    open_ = _measure(engine, [*steps[:20], replace(steps[20], speech=False, faces=(*steps[20].faces, newcomer))])
    assert [m.audio for m in decided[-4:]] == [True, False, False, False]
    assert [m.audio for m in open_[-4:]] == [True, True, True, True]


def test_a_speaker_alone_on_stage_is_measured_as_if_nobody_had_been_looked_for(engine: Engine) -> None:
    steps = [replace(one, faces=one.faces[:1]) for one in _conversation(60, speaker=1)]
    assert {m.speaking for m in _measure(engine, steps)} == {None}


def test_a_baseline_is_learnt_from_the_first_second_on_and_changes_what_follows(engine: Engine) -> None:
    steps = [step(k, tracks=[1]) for k in range(60)]
    plain, learnt = _measure(engine, steps), _measure(engine, steps, baseline="learn")
    _assert_same(plain[:25], learnt[:25])
    assert [m.person for m in plain] == [m.person for m in learnt]
    analyser = Analyser(engine, baseline="learn")
    analyser.push(steps)
    [(person, baseline)] = analyser.baselines().items()
    assert person == 1
    odds = engine.encode(np.stack([one.faces[0].crop for one in steps])).probabilities
    assert baseline[:7] == pytest.approx(np.log(np.maximum(odds, np.exp(-8))).mean(axis=0), abs=1e-4)
    assert baseline[7] == pytest.approx(60 / 25 / (60 / 25 + 2))


def test_nothing_is_learnt_unless_asked_for(engine: Engine) -> None:
    analyser = Analyser(engine, baseline=np.zeros(8, np.float32))
    analyser.push([step(k, tracks=[1]) for k in range(30)])
    assert analyser.baselines() == {}


def test_a_baseline_from_before_is_given_for_person_one_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[NDArray[np.float32]] = []
    advance = engine.advance

    def spy(inputs: FusionInputs) -> FusionOutputs:
        given.append(inputs.baseline.copy())
        return advance(inputs)

    monkeypatch.setattr(engine, "advance", spy)
    known = np.arange(8, dtype=np.float32) - 7
    analyser = Analyser(engine, baseline=known)
    analyser.push([step(0, tracks=[1, 2]), *(step(k, tracks=[2]) for k in range(1, 60))])
    assert len(given) > 2
    assert (given[0] == [known, np.zeros(8)]).all()
    assert given[-1].shape == (1, 8)
    assert not given[-1].any()


def test_the_timeline_forgets_with_its_horizon_and_the_summary_does_not(engine: Engine) -> None:
    steps = [step(k, tracks=[1]) for k in range(100)]
    for_ever, short = Analyser(engine, horizon=None), Analyser(engine, horizon=0.2)
    lasting, fleeting = for_ever.push(steps)[-1], short.push(steps)[-1]
    assert lasting.probabilities == pytest.approx(lasting.overall, abs=1e-5)
    assert fleeting.overall == pytest.approx(lasting.overall, abs=1e-5)
    assert np.abs(fleeting.probabilities - fleeting.overall).max() > 1e-4


def test_time_without_media_is_forgotten_like_any_other(engine: Engine) -> None:
    def probabilities_after(gap: int) -> NDArray[np.float32]:
        steps = [*(step(k, tracks=[1]) for k in range(50)), replace(step(0, tracks=[1]), index=50 + gap)]
        return Analyser(engine, horizon=0.5).push(steps)[-1].probabilities

    soon, late, later = (probabilities_after(gap) for gap in (0, 500, 600))
    assert np.abs(soon - late).max() > 1e-3
    assert late == pytest.approx(later, abs=1e-4)


def test_progress_counts_seconds_and_people(engine: Engine) -> None:
    analyser = Analyser(engine)
    analyser.push([step(k, tracks=[1, 2]) for k in range(50)])
    assert (analyser.seconds, analyser.people) == (2.0, 2)
