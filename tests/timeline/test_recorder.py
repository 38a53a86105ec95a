"""The result of what was measured."""

from itertools import pairwise

import numpy as np
import pytest
from builders import info
from hypothesis import given
from hypothesis import strategies as st

from service.domain import Alignment, Box, Measurement
from service.representation import LABELS
from service.timeline import AnalysisResult, Recorder


def _measurement(
    step: int,
    *,
    person: int = 1,
    audio: bool = True,
    video: bool = True,
    top: int = 3,
    speaking: bool | None = None,
) -> Measurement:
    probabilities = np.full(7, 0.05, np.float32)
    probabilities[top] = 0.7
    return Measurement(
        person=person,
        step=step,
        box=Box(0.1, 0.2, 0.3, 0.4) if video else None,
        probabilities=probabilities,
        overall=probabilities,
        scores=np.zeros(7, np.float32),
        alignment=Alignment(0.4, 0.5) if audio else None,
        speech=audio,
        audio=audio,
        video=video,
        speaking=speaking,
    )


def _result(measurements: list[Measurement], steps: int = 50, fps: float | None = None) -> AnalysisResult:
    recorder = Recorder(timeline_fps=fps, uncertain_below=0.5)
    recorder.add(measurements)
    return recorder.result(info(steps), name="attune", version="1", provider="cpu")


def test_a_timeline_begins_with_the_first_measurement_and_keeps_its_times() -> None:
    [person] = _result([_measurement(step) for step in range(10, 20)]).people
    assert [step.time for step in person.timeline] == [step / 25 for step in range(10, 20)]
    assert len(person.alignment) == 10
    assert all(len(weights) == 10 and sum(weights) == pytest.approx(1) for weights in person.attention.values())


def test_evidence_is_named_step_by_step_and_for_the_whole() -> None:
    [person] = _result(
        [_measurement(0, audio=False), _measurement(1, video=False), _measurement(2, audio=False, video=False)]
    ).people
    assert [step.modalities for step in person.timeline] == [["video"], ["audio"], []]
    assert [step.box is None for step in person.timeline] == [False, True, True]
    assert [entry is None for entry in person.alignment] == [True, False, True]
    assert person.summary.modalities == ["audio", "video"]
    assert person.attention["angry"] == [0.5, 0.5, 0.0]


def test_each_step_says_whose_the_speech_is_and_that_is_no_evidence() -> None:
    said = [True, False, None]
    [person] = _result(
        [_measurement(k, audio=False, video=False, speaking=speaking) for k, speaking in enumerate(said)]
        + [_measurement(3)]
    ).people
    assert [step.speaking for step in person.timeline] == [*said, None]
    assert [step.modalities for step in person.timeline] == [[], [], [], ["audio", "video"]]
    assert person.attention["sad"] == [0, 0, 0, 1]


def test_people_come_in_order_of_first_appearance() -> None:
    assert [person.id for person in _result([_measurement(0, person=1), _measurement(4, person=2)]).people] == [1, 2]


def test_nobody_is_an_empty_list() -> None:
    assert _result([]).people == []


def test_no_field_is_ever_omitted() -> None:
    [person] = _result([_measurement(0, video=False)]).model_dump(mode="json")["people"]
    assert person["timeline"][0]["box"] is None
    assert person["summary"]["reason"] is None


@given(st.lists(st.booleans(), max_size=300))
def test_speech_segments_cover_exactly_the_steps_with_speech(speech: list[bool]) -> None:
    recorder = Recorder(timeline_fps=None, uncertain_below=0.5)
    for step, flag in enumerate(speech):
        recorder.hear(step, speech=flag)
    segments = recorder.result(info(len(speech)), name="a", version="1", provider="cpu").speech.segments
    covered = sum(segment.end - segment.start for segment in segments)
    # Step 0 hears only what lies before the media.
    assert covered == pytest.approx(sum(speech[1:]) / 25)
    assert all(a.end < b.start for a, b in pairwise(segments))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=50), st.sampled_from([None, 5.0, 1.0]))
def test_probabilities_name_all_seven_and_sum_to_one(tops: list[int], fps: float | None) -> None:
    [person] = _result([_measurement(step, top=top) for step, top in enumerate(tops)], fps=fps).people
    for step in person.timeline:
        assert list(step.probabilities) == list(LABELS)
        assert sum(step.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert person.summary.expressed == LABELS[tops[-1]]
