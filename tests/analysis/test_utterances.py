"""Utterances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timeline.measuring import Measured, flat, measured, measurement

from service.analysis.utterances import Utterances
from service.domain import Measurement
from service.protocol.messages import UtteranceEnd, UtteranceStart
from service.representation import LABELS


def _events(rows: Measured, *, cut: int = -1) -> list[UtteranceStart | UtteranceEnd]:
    utterances = Utterances(uncertain_below=0.5)
    events: list[UtteranceStart | UtteranceEnd] = []
    for place, (step, found) in enumerate(rows):
        if place == cut:
            state = utterances.state()
            utterances = Utterances(uncertain_below=0.5)
            utterances.restore(state)
        events += utterances.hear(step.index, speech=step.speech)
        for one in found:
            utterances.add(one)
    return events + utterances.finish(1e9)


def _expected(rows: Measured) -> list[tuple[float, float, dict[int, list[Measurement]]]]:
    """Each utterance with the measurements that count for each person, found with the whole session at hand."""
    spoken = [step.index for step, _ in rows if step.speech]
    groups: list[list[int]] = []
    for index in spoken:
        if groups and index - groups[-1][-1] <= 12:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [
        (
            max(group[0] - 1, 0) / 25,
            group[-1] / 25,
            {
                person: own
                for person in (1, 2, 3)
                if (
                    own := [
                        one
                        for one in flat(rows)[1]
                        if one.person == person and group[0] <= one.step <= group[-1] and (one.audio or one.video)
                    ]
                )
            },
        )
        for group in groups
    ]


@settings(deadline=None)
@given(measured(), st.integers(0, 120))
def test_utterances_are_runs_of_speech_with_short_pauses_and_hold_the_mean_of_their_steps(
    rows: Measured, cut: int
) -> None:
    events = _events(rows, cut=cut)
    ends = [event for event in events if isinstance(event, UtteranceEnd)]
    starts = [event for event in events if isinstance(event, UtteranceStart)]
    assert [type(event) for event in events] == [UtteranceStart, UtteranceEnd] * len(ends)
    expected = _expected(rows)
    assert [(start.start, end.start, end.end) for start, end in zip(starts, ends, strict=True)] == [
        (first, first, last) for first, last, _ in expected
    ]
    for end, (_, _, people) in zip(ends, expected, strict=True):
        assert [person.id for person in end.people] == sorted(people)
        for person in end.people:
            own = people[person.id]
            mean = np.mean([one.probabilities for one in own], axis=0)
            assert person.summary.probabilities is not None
            assert [person.summary.probabilities[label] for label in LABELS] == pytest.approx(mean, abs=1e-6)
            assert ("audio" in person.summary.modalities) == any(one.audio for one in own)
            assert ("video" in person.summary.modalities) == any(one.video for one in own)


@settings(deadline=None)
@given(measured(), st.integers(0, 120))
def test_going_on_from_a_state_changes_nothing(rows: Measured, cut: int) -> None:
    assert _events(rows, cut=cut) == _events(rows)


def test_an_utterance_ends_half_a_second_after_the_last_speech() -> None:
    utterances = Utterances(uncertain_below=0.5)
    assert utterances.hear(10, speech=True) == [UtteranceStart(start=0.36)]
    utterances.add(measurement(1, 10, speech=True, audio=True, video=False))
    assert all(utterances.hear(k, speech=False) == [] for k in range(11, 23))
    [end] = utterances.hear(23, speech=False)
    assert isinstance(end, UtteranceEnd)
    assert (end.start, end.end) == (0.36, 0.4)
    assert utterances.finish(1.0) == []


def test_an_utterance_that_the_media_cuts_short_ends_with_it() -> None:
    utterances = Utterances(uncertain_below=0.5)
    for k in range(5, 10):
        utterances.hear(k, speech=True)
    [end] = utterances.finish(0.33)
    assert (end.start, end.end, end.people) == (0.16, 0.33, [])
