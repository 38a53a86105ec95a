"""The one analyser, on the shipped networks."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from builders import step
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.analysis import Analyser
from service.domain import Measurement, Step
from service.engine import Engine


def _measure(engine: Engine, steps: list[Step], cuts: list[int] | None = None) -> list[Measurement]:
    analyser = Analyser(engine)
    edges = [0, *sorted(cuts or []), len(steps)]
    return [m for start, end in pairwise(edges) for m in analyser.push(steps[start:end])]


def _assert_same(first: list[Measurement], second: list[Measurement]) -> None:
    assert [(m.person, m.step, m.box, m.audio, m.video, m.speech) for m in first] == [
        (m.person, m.step, m.box, m.audio, m.video, m.speech) for m in second
    ]
    for a, b in zip(first, second, strict=True):
        assert a.probabilities == pytest.approx(b.probabilities, abs=1e-5)
        assert a.overall == pytest.approx(b.overall, abs=1e-5)
        assert a.scores == pytest.approx(b.scores, abs=1e-4)


_STEPS = st.lists(
    st.tuples(st.sets(st.integers(1, 3), max_size=3), st.booleans(), st.booleans()), min_size=1, max_size=60
)


@settings(max_examples=40, deadline=None)
@given(shape=_STEPS, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_how_steps_are_grouped_changes_nothing(
    engine: Engine, shape: list[tuple[set[int], bool, bool]], cuts: list[int]
) -> None:
    steps = [
        step(k, tracks=sorted(tracks), sound=sound, speech=speech) for k, (tracks, sound, speech) in enumerate(shape)
    ]
    _assert_same(_measure(engine, steps), _measure(engine, steps, [min(cut, len(steps)) for cut in cuts]))


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
