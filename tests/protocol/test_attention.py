"""Attention of a session, computed by a client."""

import math

import pytest

from service.protocol.attention import attention, session_attention
from service.protocol.messages import Measurement, Normaliser, SessionPerson
from service.representation import LABELS, Label
from service.timeline.models import Modality, Summary

_SUMMARY = Summary(expressed=None, reason="no_evidence", probabilities=None, confidence=None, modalities=[])
_EVEN = dict.fromkeys(LABELS, 1 / 7)


def _measurement(score: float | None, *, person: int = 1, modalities: tuple[Modality, ...] = ("video",)) -> Measurement:
    return Measurement(
        time=0,
        box=None,
        probabilities=_EVEN,
        speech=False,
        speaking=None,
        modalities=list(modalities),
        id=person,
        scores=None if score is None else dict.fromkeys(LABELS, score),
        alignment=None,
        delay=None,
    )


def _person(m: float, l: float) -> SessionPerson:  # noqa: E741
    normaliser: dict[Label, Normaliser] = dict.fromkeys(LABELS, Normaliser(m=m, l=l))
    return SessionPerson(id=1, summary=_SUMMARY, normaliser=normaliser, baseline=None)


def test_weights_are_the_softmax_of_one_persons_scores_over_steps_with_evidence() -> None:
    measurements = [
        _measurement(0.0),
        _measurement(5.0, person=2),
        _measurement(math.log(3)),
        _measurement(7.0, modalities=()),
    ]
    found = session_attention(measurements, _person(m=math.log(3), l=4 / 3))
    assert list(found) == list(LABELS)
    assert all(weights == pytest.approx([0.25, 0.75, 0.0], abs=1e-9) for weights in found.values())


def test_of_steps_left_out_the_others_share_the_attention() -> None:
    found = session_attention([_measurement(0.0), _measurement(0.0)], _person(m=0.0, l=8.0))
    assert found["sad"] == [0.5, 0.5]


def test_nothing_reported_with_evidence_weighs_nothing() -> None:
    assert session_attention([_measurement(0.0, modalities=())], _person(m=0.0, l=1.0))["sad"] == [0.0]
    assert attention([], [], _person(m=0.0, l=1.0).normaliser or {})["sad"] == []


def test_without_normaliser_or_scores_there_is_no_attention() -> None:
    nobody = SessionPerson(id=1, summary=_SUMMARY, normaliser=None, baseline=None)
    with pytest.raises(ValueError, match="person 1"):
        session_attention([], nobody)
    with pytest.raises(ValueError, match="scores"):
        session_attention([_measurement(None)], _person(0.0, 1.0))
