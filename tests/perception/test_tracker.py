"""Who becomes a person, who keeps an id, and that nothing but steps counts."""

import json
import math
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain import Box
from service.perception.detector import Detection
from service.perception.tracker import MAX_TRACKS, MAX_UNSEEN, MIN_STEPS, Sighting, Tracker


def face(x: float, y: float = 0.5, size: float = 0.1, score: float = 0.9) -> Detection:
    """A detection with its centre at (x, y)."""
    left, right = (x - 0.2 * size, y), (x + 0.2 * size, y)
    return Detection(Box(x - size / 2, y - size / 2, size, size), score, left, right)


def follow(pictures: Sequence[Sequence[Detection]], every: int = 1) -> list[list[Sighting]]:
    tracker = Tracker()
    return [tracker.update(every * index, found) for index, found in enumerate(pictures)]


def ids(sightings: list[Sighting]) -> list[int]:
    return [sighting.track for sighting in sightings]


detections = st.builds(
    face,
    x=st.floats(0, 1),
    y=st.floats(0, 1),
    size=st.floats(0.02, 0.5),
    score=st.floats(0.5, 1.0),
)
recordings = st.lists(st.lists(detections, max_size=4), min_size=1, max_size=40)


@st.composite
def walks(draw: st.DrawFn) -> list[list[Detection]]:
    """People who wander, vanish and come back, and now and then something that is no face."""
    count, length = draw(st.integers(1, 3)), draw(st.integers(8, 60))
    places = [(draw(st.floats(0.1, 0.9)), draw(st.floats(0.1, 0.9))) for _ in range(count)]
    pictures = []
    for _ in range(length):
        found = []
        for person, (x, y) in enumerate(places):
            places[person] = (x + draw(st.floats(-0.02, 0.02)), y + draw(st.floats(-0.02, 0.02)))
            if draw(st.integers(0, 4)):
                found.append(face(*places[person], score=draw(st.floats(0.6, 1.0))))
        pictures.append(found)
    return pictures


@settings(deadline=None)
@given(st.one_of(recordings, walks()))
def test_ids_are_unique_on_a_picture_and_given_in_order(pictures: list[list[Detection]]) -> None:
    known = 0
    for sightings in follow(pictures):
        assert ids(sightings) == sorted(set(ids(sightings)))
        new = [track for track in ids(sightings) if track > known]
        assert new == list(range(known + 1, known + 1 + len(new)))
        known += len(new)


@settings(deadline=None)
@given(st.one_of(recordings, walks()))
def test_every_sighting_is_one_of_this_pictures_detections_and_none_is_used_twice(
    pictures: list[list[Detection]],
) -> None:
    for found, sightings in zip(pictures, follow(pictures), strict=True):
        used = [id(sighting.detection) for sighting in sightings]
        assert len(set(used)) == len(used)
        assert set(used) <= {id(detection) for detection in found}


@settings(deadline=None)
@given(st.one_of(recordings, walks()))
def test_no_id_comes_back_after_it_was_gone_for_longer_than_the_limit(pictures: list[list[Detection]]) -> None:
    every, seen = 7, dict[int, int]()
    for index, sightings in enumerate(follow(pictures, every)):
        for track in ids(sightings):
            assert every * index - seen.get(track, every * index) <= MAX_UNSEEN
            seen[track] = every * index


@settings(deadline=None)
@given(pictures=walks(), start=st.integers(1, 10_000))
def test_only_differences_of_steps_count(pictures: list[list[Detection]], start: int) -> None:
    tracker = Tracker()
    later = [tracker.update(start + index, found) for index, found in enumerate(pictures)]
    assert [ids(sightings) for sightings in later] == [ids(sightings) for sightings in follow(pictures)]


@settings(deadline=None)
@given(st.data())
def test_what_is_found_on_one_picture_only_is_nobody(data: st.DataObject) -> None:
    """Each picture's false positives lie where none of the last two seconds' did."""
    columns = 10
    pictures = []
    for index in range(30):
        x = (index % columns + 0.5) / columns
        pictures.append([face(x, 0.5, 0.02, data.draw(st.floats(0.5, 1.0)))] if data.draw(st.booleans()) else [])
    assert not any(sightings for sightings in follow(pictures, every=6))


@settings(deadline=None)
@given(pictures=st.one_of(recordings, walks()), data=st.data())
def test_tracks_go_on_from_any_snapshot_as_if_nothing_had_happened(
    pictures: list[list[Detection]], data: st.DataObject
) -> None:
    begin, scene_of = (
        data.draw(st.integers(0, len(pictures))),
        data.draw(st.sampled_from([lambda _: 0, lambda k: k // 5 % 2])),
    )
    tracker, again = Tracker(), Tracker()
    for step in range(begin):
        tracker.update(step, pictures[step], scene_of(step))
    again.restore(json.loads(json.dumps(tracker.snapshot())))
    for step in range(begin, len(pictures)):
        scene = scene_of(step)
        assert again.looks(step, scene) == tracker.looks(step, scene)
        assert again.update(step, pictures[step], scene) == tracker.update(step, pictures[step], scene)
        assert json.dumps(again.snapshot()) == json.dumps(tracker.snapshot())


def test_a_clear_face_is_a_person_after_a_fifth_of_a_second() -> None:
    seen = [ids(sightings) for sightings in follow([[face(0.5)]] * (MIN_STEPS + 3))]
    assert seen == [[]] * MIN_STEPS + [[1]] * 3


def test_a_vague_face_takes_longer_than_a_clear_one() -> None:
    seen = [ids(sightings) for sightings in follow([[face(0.5, score=0.65)]] * 40)]
    assert not any(seen[: 2 * MIN_STEPS])
    assert seen[-1] == [1]


def test_something_that_flickers_is_nobody() -> None:
    assert not any(follow([[face(0.5, score=0.7)], []] * 50))


def test_few_pictures_a_second_are_enough() -> None:
    assert ids(follow([[face(0.5)]] * 5, every=25)[-1]) == [1]


def test_a_person_keeps_the_id_through_missed_pictures() -> None:
    pictures = [[face(0.3 + 0.004 * index)] if index % 3 else [] for index in range(60)]
    seen = {track for sightings in follow(pictures) for track in ids(sightings)}
    assert seen == {1}


def test_a_person_who_is_back_within_two_seconds_keeps_the_id() -> None:
    pictures = [[face(0.5)]] * 20 + [[]] * (MAX_UNSEEN - 1) + [[face(0.53)]] * 10
    sightings = follow(pictures)
    assert ids(sightings[20 + MAX_UNSEEN - 1]) == [1]
    assert {track for one in sightings for track in ids(one)} == {1}


def test_a_person_who_is_back_later_has_a_new_id() -> None:
    pictures = [[face(0.5)]] * 20 + [[]] * MAX_UNSEEN + [[face(0.5)]] * 10
    assert ids(follow(pictures)[-1]) == [2]


def test_a_face_elsewhere_is_someone_else() -> None:
    pictures = [[face(0.2)]] * 20 + [[face(0.7)]] * 10
    assert ids(follow(pictures)[-1]) == [2]


def test_a_face_of_another_size_is_someone_else() -> None:
    pictures = [[face(0.5, size=0.4)]] * 20 + [[face(0.5, size=0.1)]] * 30
    assert {track for one in follow(pictures) for track in ids(one)} == {1, 2}


def test_two_who_cross_do_not_swap() -> None:
    """One walks right, one left, half a face higher; while they overlap only one is found."""
    pictures = []
    for index in range(80):
        right, left = face(0.2 + 0.0075 * index, 0.5), face(0.8 - 0.0075 * index, 0.45)
        hidden = abs(right.box.x - left.box.x) < 0.04
        pictures.append([right] if hidden else [right, left])
    sightings = follow(pictures)
    first = {one.track: one.box.x for one in sightings[10]}
    last = {one.track: one.box.x for one in sightings[-1]}
    assert set(first) == set(last) == {1, 2}
    for track in first:
        assert (first[track] < 0.5) == (last[track] > 0.5)


def test_a_tie_between_neighbours_goes_to_the_nearer_one() -> None:
    pictures = [[face(0.40), face(0.52)]] * 20 + [[face(0.52)]] * 5 + [[face(0.40), face(0.52)]] * 5
    sightings = follow(pictures)
    assert ids(sightings[22]) == [2]
    assert [round(one.box.x + 0.05, 2) for one in sightings[-1]] == [0.4, 0.52]


def test_behind_a_cut_the_same_place_is_someone_else() -> None:
    tracker = Tracker()
    for step in range(20):
        tracker.update(step, [face(0.5)], scene=0)
    seen = [ids(tracker.update(step, [face(0.5)], scene=1)) for step in range(20, 40)]
    assert seen[-1] == [2]
    assert ids(tracker.update(41, [face(0.5)], scene=0)) == [1]


def test_a_crowd_is_bounded() -> None:
    crowd = [face((i % 6 + 0.5) / 6, (i // 6 + 0.5) / 6, 0.1) for i in range(36)]
    tracker = Tracker()
    for step in range(20):
        assert len(tracker.update(step, crowd)) <= MAX_TRACKS
        assert len(tracker.looks(step + 1)) <= MAX_TRACKS
    assert len(tracker.update(20, crowd)) == MAX_TRACKS


def test_a_region_drifts_with_the_face() -> None:
    tracker = Tracker()
    for step in range(20):
        tracker.update(step, [face(0.2 + 0.01 * step)])
    (look,) = tracker.looks(22)
    assert math.isclose(look.region.x + look.region.width / 2, 0.42, abs_tol=0.02)


def test_what_is_no_person_yet_is_looked_at_in_several_ways_and_a_person_in_one() -> None:
    tracker, looks = Tracker(), []
    for step in range(20):
        tracker.update(step, [face(0.5)])
        looks += tracker.looks(step + 1)
    before, after = looks[: MIN_STEPS - 1], looks[MIN_STEPS:]
    assert not any(look.track for look in before)
    assert len({(round(look.region.width, 3), look.mirrored) for look in before}) == len(before)
    assert {(look.region == look.expected, look.mirrored, look.track) for look in after} == {(True, False, 1)}


def test_a_smoothed_box_stays_with_a_face_that_stands_still() -> None:
    noisy = [[face(0.5 + 0.005 * (-1) ** index)] for index in range(40)]
    xs = [one.box.x + one.box.width / 2 for sightings in follow(noisy)[20:] for one in sightings]
    assert max(xs) - min(xs) < 0.006
