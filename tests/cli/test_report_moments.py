from itertools import pairwise

import numpy as np
import pytest
from cli.conftest import MakePerson
from hypothesis import given, settings
from hypothesis import strategies as st

from service.cli.report_moments import COLUMNS, NEAREST, attended_moments, curves, leading_label
from service.representation import LABELS, STEP_RATE
from service.timeline.models import BoxModel, Person, Summary, TimelineStep


def _person(weights: list[float], faces: list[bool]) -> Person:
    """One person whose attention for `sad` is as given."""
    even = dict.fromkeys(LABELS, 1 / 7)
    probabilities = even | {"sad": 1 / 7 + 0.06, "fear": 1 / 7 - 0.06}
    box = BoxModel(x=0.4, y=0.4, width=0.1, height=0.2)
    return Person(
        id=1,
        summary=Summary(
            expressed="sad", reason=None, probabilities=probabilities, confidence=0.2, modalities=["video"]
        ),
        timeline=[
            TimelineStep(
                time=k / STEP_RATE,
                box=box if there else None,
                probabilities=even,
                speech=False,
                speaking=None,
                modalities=[],
            )
            for k, there in enumerate(faces)
        ],
        attention={label: [w / sum(weights) for w in weights] for label in LABELS},
        alignment=[None] * len(weights),
    )


_attended = st.integers(1, 120).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0.01, 50), min_size=n, max_size=n), st.lists(st.booleans(), min_size=n, max_size=n)
    )
)


@settings(deadline=None)
@given(_attended)
def test_moments_have_a_face_stand_apart_and_follow_time(attended: tuple[list[float], list[bool]]) -> None:
    weights, faces = attended
    person = _person(weights, faces)
    moments = attended_moments(person)
    assert bool(moments) == any(faces)
    assert len(moments) <= 6
    assert [moment.number for moment in moments] == list(range(1, len(moments) + 1))
    for one, other in pairwise(moments):
        assert other.time - one.time >= NEAREST - 1e-9
    for moment in moments:
        assert faces[moment.step]
        assert moment.weight == pytest.approx(weights[moment.step] / (sum(weights) / len(weights)))
    if moments:
        greatest = max(weight for weight, there in zip(weights, faces, strict=True) if there)
        assert max(moment.weight for moment in moments) == pytest.approx(greatest / (sum(weights) / len(weights)))
        assert sum(moment.weight < 1 - 1e-9 for moment in moments) <= 1


def test_moments_are_those_of_the_leading_emotion(make_person: MakePerson) -> None:
    person = make_person(expressed="sad")
    moments = attended_moments(person)
    weights = person.attention["sad"]
    assert min(abs(moment.time - person.timeline[int(np.argmax(weights))].time) for moment in moments) < NEAREST


def test_without_a_face_or_evidence_there_are_no_moments(make_person: MakePerson) -> None:
    assert attended_moments(make_person(face=False)) == []
    assert attended_moments(make_person(expressed=None)) == []
    assert leading_label(make_person(expressed=None)) is None


def test_an_uncertain_person_still_has_a_leading_emotion(make_person: MakePerson) -> None:
    assert leading_label(make_person(expressed="uncertain")) in LABELS


def test_a_short_timeline_is_drawn_as_it_is(make_person: MakePerson) -> None:
    person = make_person()
    drawn = curves(person)
    assert drawn.merged == 1
    assert drawn.time.tolist() == [step.time for step in person.timeline]
    assert drawn.probabilities["fear"].tolist() == [step.probabilities["fear"] for step in person.timeline]
    assert drawn.attention["fear"].mean() == pytest.approx(1.0)
    assert drawn.face.tolist() == [step.box is not None for step in person.timeline]


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 50))
def test_a_long_timeline_is_merged_without_losing_weight(steps: int, columns: int) -> None:
    weights = [1.0 + k % 7 for k in range(steps)]
    drawn = curves(_person(weights, [True] * steps), columns)
    assert len(drawn.time) <= columns
    assert len(drawn.time) == -(-steps // drawn.merged)
    counts = np.minimum(drawn.merged, steps - drawn.merged * np.arange(len(drawn.time)))
    assert float((drawn.attention["sad"] * counts).sum()) == pytest.approx(steps)
    assert drawn.peaks["sad"][1] == pytest.approx(max(weights) * steps / sum(weights))


def test_a_screen_has_no_more_columns_than_are_drawn(make_person: MakePerson) -> None:
    assert len(curves(make_person(seconds=130.0)).time) <= COLUMNS
