"""The messages of a live session against the result of an upload."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timeline.measuring import Measured, flat, measured, measurement

from service.analysis.session import MAX_PEOPLE, SessionEvent, SessionTimeline
from service.analysis.snapshot import pack, unpack
from service.domain import FrameCounts, MediaInfo, Step
from service.errors import TooManyPeople
from service.protocol.attention import session_attention
from service.protocol.messages import Measurement, SessionConfig, SessionSummary
from service.timeline import AnalysisResult, Recorder
from service.timeline.models import ModelInfo

_MODEL = ModelInfo(name="attune", version="1", provider="cpu")
_FRAMES = FrameCounts(received=10, measured=4, off_grid=3, late=2, invalid=1)


def _info(rows: Measured) -> MediaInfo:
    return MediaInfo(rows[-1][0].index / 25, 10, 640, 360, has_video=True, has_audio=True)


def _upload(rows: Measured, *, fps: float | None = None) -> AnalysisResult:
    recorder = Recorder(timeline_fps=fps, uncertain_below=0.5)
    steps, found = flat(rows)
    for step in steps:
        recorder.hear(step.index, speech=step.speech)
    recorder.add(found)
    return recorder.result(_info(rows), name="attune", version="1", provider="cpu")


def _live(
    rows: Measured, config: SessionConfig | None = None, cuts: list[int] | None = None
) -> tuple[list[SessionEvent], SessionSummary]:
    """The events and the summary; at each of `cuts` another timeline goes on with the state of the one before."""
    config = config or SessionConfig()
    timeline = SessionTimeline(config, uncertain_below=0.5)
    events: list[SessionEvent] = []
    for start, end in pairwise([0, *sorted(min(cut, len(rows)) for cut in cuts or []), len(rows)]):
        state = unpack(pack(timeline.state()))
        timeline = SessionTimeline(config, uncertain_below=0.5)
        timeline.restore(state)
        events += timeline.push(*flat(rows[start:end]))
    events += timeline.finish(_info(rows))
    return events, timeline.summary(_MODEL, _info(rows), _FRAMES, {1: "signed"})


def _of(events: list[SessionEvent], person: int) -> list[Measurement]:
    return [event for event in events if isinstance(event, Measurement) and event.id == person]


@settings(deadline=None)
@given(measured())
def test_measurements_and_summary_are_those_of_an_upload(rows: Measured) -> None:
    upload = _upload(rows)
    events, summary = _live(rows)
    assert [(person.id, person.summary) for person in summary.people] == [
        (person.id, person.summary) for person in upload.people
    ]
    spoken = sum(segment.end - segment.start for segment in upload.speech.segments)
    assert summary.speech.seconds == pytest.approx(spoken, abs=2e-6)
    for live, person in zip(summary.people, upload.people, strict=True):
        own = _of(events, person.id)
        fields = set(type(person.timeline[0]).model_fields)
        assert [one.model_dump(include=fields) for one in own] == [step.model_dump() for step in person.timeline]
        assert [one.alignment for one in own] == person.alignment
        attention = session_attention(own, live)
        for label, weights in person.attention.items():
            assert attention[label] == pytest.approx(weights, abs=1e-5)
            assert sum(attention[label]) == pytest.approx(1)


@settings(deadline=None)
@given(measured(), st.lists(st.integers(0, 120), max_size=6), st.sampled_from([0.0, 0.1, 1.0]))
def test_grouping_and_going_on_from_a_state_change_nothing(rows: Measured, cuts: list[int], interval: float) -> None:
    config = SessionConfig(interval=interval)
    assert _live(rows, config, cuts) == _live(rows, config)


@settings(deadline=None)
@given(measured(), st.sampled_from([0.04, 0.1, 0.2, 1.0, 60.0]))
def test_an_interval_reports_the_steps_that_an_upload_of_that_rate_keeps(rows: Measured, interval: float) -> None:
    events, summary = _live(rows, SessionConfig(interval=interval))
    whole = _live(rows)[1]
    assert summary == whole
    for person in _upload(rows, fps=1 / interval).people:
        assert [one.time for one in _of(events, person.id)] == [step.time for step in person.timeline]


def test_attention_and_alignment_are_left_out_where_they_are_off() -> None:
    rows = [(Step(0, (), None, True), [measurement(1, 0, speech=True, audio=True, video=True)])]
    events, summary = _live(rows, SessionConfig(attention=False, alignment=False))
    [one] = _of(events, 1)
    assert (one.scores, one.alignment, summary.people[0].normaliser) == (None, None, None)
    events, summary = _live(rows)
    [one] = _of(events, 1)
    assert one.scores is not None
    assert one.alignment is not None
    assert summary.people[0].normaliser is not None


def test_a_session_meets_only_so_many_people() -> None:
    def met(count: int) -> Measured:
        return [
            (Step(k, (), None, speech=False), [measurement(k + 1, k, speech=False, audio=False, video=True)])
            for k in range(count)
        ]

    assert len(_live(met(MAX_PEOPLE), cuts=[MAX_PEOPLE // 2])[1].people) == MAX_PEOPLE
    with pytest.raises(TooManyPeople):
        _live(met(MAX_PEOPLE + 1), cuts=[MAX_PEOPLE // 2])


def test_messages_come_in_the_order_of_what_they_tell() -> None:
    rows: Measured = []
    for k in range(40):
        speech = 5 <= k < 10
        rows.append((Step(k, (), None, speech), [measurement(1, k, speech=speech, audio=False, video=True)]))
    kinds = [event.type for event in _live(rows)[0]]
    assert kinds.index("utterance.start") == 5
    assert kinds.index("utterance.end") == 1 + 9 + 13
    assert kinds.count("measurement") == 40


def test_the_delay_is_counted_from_the_arrival_of_the_step() -> None:
    timeline = SessionTimeline(SessionConfig(), uncertain_below=0.5)
    found = [measurement(1, k, speech=False, audio=False, video=True) for k in range(3)]
    steps = [Step(0, (), None, False, arrived=99.5), Step(1, (), None, False, arrived=100.5), Step(2, (), None, False)]
    delays = [one.delay for one in timeline.push(steps, found, now=100.0) if isinstance(one, Measurement)]
    assert delays == [0.5, 0.0, None]
    [late] = timeline.push([replace(steps[0], index=3)], [replace(found[0], step=3)])
    assert isinstance(late, Measurement)
    assert late.delay is None


def test_the_summary_accounts_for_every_picture_and_carries_signed_baselines() -> None:
    found = [measurement(person, 0, speech=False, audio=False, video=True) for person in (1, 2)]
    _, summary = _live([(Step(0, (), None, False), found)])
    media = summary.media
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values()) == 10
    assert media.dropped == {"late": 2, "invalid": 1, "absent": 0}
    assert [person.baseline for person in summary.people] == ["signed", None]


def test_a_session_holds_the_same_after_a_minute_and_after_an_hour() -> None:
    def size(seconds: int) -> int:
        timeline = SessionTimeline(SessionConfig(interval=1), uncertain_below=0.5)
        one = measurement(1, 0, speech=True, audio=True, video=True)
        for k in range(0, seconds * 25, 5):
            list(timeline.push([Step(k, (), None, k % 100 < 50)], [replace(one, step=k)]))
        return len(pack(timeline.state()))

    assert size(60) == size(3600) < 1500


def test_scores_that_would_overflow_are_normalised_all_the_same() -> None:
    timeline = SessionTimeline(SessionConfig(), uncertain_below=0.5)
    one = measurement(1, 0, speech=False, audio=False, video=True)
    steps = [Step(k, (), None, False) for k in range(3)]
    scores = [np.full(7, value, np.float32) for value in (-1000, 1000, 999)]
    found = [replace(one, step=k, scores=score) for k, score in enumerate(scores)]
    events = list(timeline.push(steps, found))
    [person] = timeline.summary(_MODEL, MediaInfo(1, 1, 1, 1, True, False), _FRAMES, {}).people
    weights = session_attention([event for event in events if isinstance(event, Measurement)], person)["fear"]
    assert weights == pytest.approx([0, 1 / (1 + np.exp(-1)), 1 / (1 + np.e)])
