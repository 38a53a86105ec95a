"""Who is on stage."""

from builders import step
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis.cast import Cast
from service.domain import Step


def _people(steps: list[Step]) -> list[list[tuple[int, int | None]]]:
    cast = Cast()
    return [[(role.person, role.face.track if role.face else None) for role in cast.at(s)] for s in steps]


def test_sound_without_any_face_is_person_one() -> None:
    assert _people([step(0, speech=True), step(1)]) == [[(1, None)], [(1, None)]]


def test_the_first_face_takes_the_voice_over_and_later_faces_are_new_people() -> None:
    steps = [step(0, speech=True), step(1, tracks=[1]), step(2, tracks=[1, 2])]
    assert _people(steps) == [[(1, None)], [(1, 1)], [(1, 1), (2, 2)]]


def test_a_person_stays_on_stage_through_two_seconds_of_missed_detections() -> None:
    steps = [step(0, tracks=[1, 2]), *(step(k, tracks=[1]) for k in range(1, 60))]
    roles = _people(steps)
    assert roles[50] == [(1, 1), (2, None)]
    assert roles[51] == [(1, 1)]


def test_the_person_seen_last_goes_on_with_the_sound_when_nobody_is_seen() -> None:
    steps = [step(0, tracks=[1, 2]), step(1, tracks=[2]), *(step(k, speech=True) for k in range(2, 80))]
    assert _people(steps)[-1] == [(2, None)]


def test_a_person_who_returns_within_two_seconds_keeps_the_id() -> None:
    steps = [step(0, tracks=[3]), *(step(k, tracks=[5]) for k in range(1, 50)), step(50, tracks=[3, 5])]
    assert _people(steps)[-1] == [(1, 3), (2, 5)]


def test_the_person_seen_last_keeps_the_id_however_long_nobody_is_seen() -> None:
    steps = [step(0, tracks=[1, 2]), step(1, tracks=[2]), *(step(k) for k in range(2, 300)), step(300, tracks=[2])]
    assert _people(steps)[-1] == [(2, 2)]


@st.composite
def _tracks(draw: st.DrawFn) -> list[set[int]]:
    """Faces as perception tracks them: who was away for more than two seconds comes back with a new track."""
    tracks, number, last = list[set[int]](), 0, dict[int, tuple[int, int]]()
    for index, present in enumerate(draw(st.lists(st.sets(st.integers(1, 4), max_size=3), max_size=200))):
        for face in sorted(present):
            if face not in last or index - last[face][0] > 50:
                number += 1
                last[face] = (index, number)
            last[face] = (index, last[face][1])
        tracks.append({last[face][1] for face in present})
    return tracks


@settings(deadline=None)
@given(_tracks(), st.integers(0, 200))
def test_every_step_has_someone_every_face_has_one_person_and_ids_count_from_one(
    tracks: list[set[int]], cut: int
) -> None:
    cast, person_of, met = Cast(), dict[int, int](), list[int]()
    for index, present in enumerate(tracks):
        if index == cut:
            earlier, cast = cast, Cast()
            cast.restore(earlier.state())
        roles = cast.at(step(index, tracks=sorted(present)))
        assert roles
        assert [role.person for role in roles] == sorted({role.person for role in roles})
        assert {role.face.track for role in roles if role.face} == present
        for role in roles:
            if role.face:
                assert person_of.setdefault(role.face.track, role.person) == role.person
            if role.person not in met:
                met.append(role.person)
    assert sorted(met) == list(range(1, len(met) + 1))
    assert cast.met == max(1, len(met))


def test_whoever_left_the_stage_is_forgotten() -> None:
    cast = Cast()
    for k in range(6000):
        cast.at(step(k, tracks=[1 + k // 60]))
    assert len(cast.state()["people"]) <= 2
