"""Media to steps: order, absence, gaps, the end, and the recordings with their people."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from perception.comparing import assert_same_faces

from service.domain import FrameCounts, Media, Picture, Sound, Step
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.merge import ABSENT_AFTER, GONE_AFTER
from service.perception.perceive import perceive
from service.representation import SAMPLE_RATE, SAMPLES_PER_STEP

Image = NDArray[np.uint8]
NOISE = (0.1 * np.random.default_rng(0).standard_normal(20 * SAMPLE_RATE)).astype(np.float32)
BLACK = np.zeros((32, 32, 3), np.uint8)


@dataclass
class Played:
    """Media from a list."""

    items: Sequence[Media]
    has_video: bool = True
    has_audio: bool = True

    @property
    def counts(self) -> FrameCounts:
        """Every picture is a frame of its own number."""
        shown = len({item.frame for item in self.items if isinstance(item, Picture) and item.image is not None})
        return FrameCounts(received=shown, measured=shown)

    def mark(self, step: int, sound_from: int) -> None:
        raise AssertionError(f"no checkpoint was asked for ({step}, {sound_from})")

    def __iter__(self) -> Iterator[Media]:
        return iter(self.items)


def sound(start: int, end: int) -> Sound:
    """By steps."""
    return Sound(SAMPLES_PER_STEP * start, NOISE[SAMPLES_PER_STEP * start : SAMPLES_PER_STEP * end])


def black(start: int, end: int) -> list[Picture]:
    return [Picture(step, BLACK) for step in range(start, end)]


def given_after(media: Played, detector: FaceDetector) -> list[list[int]]:
    """Which steps each item brings about."""
    seen: list[list[int]] = []

    def items() -> Iterator[Media]:
        for item in media.items:
            seen.append([])
            yield item

    class Watched(Played):
        def __iter__(self) -> Iterator[Media]:
            return items()

    for step in perceive(Watched(media.items, media.has_video, media.has_audio), detector):
        seen[-1].append(step.index)
    return seen


def same(one: Sequence[Step], other: Sequence[Step]) -> None:
    assert [(step.index, step.speech, step.mel is None) for step in one] == [
        (step.index, step.speech, step.mel is None) for step in other
    ]
    for a, b in zip(one, other, strict=True):
        if a.mel is not None and b.mel is not None:
            np.testing.assert_array_equal(a.mel, b.mel)
        assert_same_faces(a.faces, b.faces)


@pytest.fixture(scope="module")
def portrait(astronaut: Image) -> list[Picture]:
    """Two seconds of a face that moves."""
    head = cv2.resize(astronaut[20:220, 120:330], (158, 150), interpolation=cv2.INTER_AREA)
    pictures = []
    for step in range(50):
        picture = np.full((200, 300, 3), 90, np.uint8)
        picture[20:170, step : step + 158] = head
        pictures.append(Picture(step, picture))
    return pictures


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 2 * SAMPLE_RATE - 1), max_size=30, unique=True), data=st.data())
def test_the_order_of_packets_within_the_limit_changes_nothing(
    detector: FaceDetector, portrait: list[Picture], cuts: list[int], data: st.DataObject
) -> None:
    ends = [0, *sorted(cuts), 2 * SAMPLE_RATE]
    runs: list[Media] = [Sound(a, NOISE[a:b]) for a, b in pairwise(ends)]
    order = data.draw(st.permutations([0] * len(runs) + [1] * len(portrait)))
    sources: tuple[Iterator[Media], Iterator[Media]] = iter(runs), iter(portrait)
    steps = list(perceive(Played([next(sources[which]) for which in order]), detector))
    same(steps, list(perceive(Played([sound(0, 50), *portrait]), detector)))
    assert {face.track for step in steps for face in step.faces} == {1}


def test_a_step_comes_once_both_streams_have_passed_it(detector: FaceDetector) -> None:
    media = Played([*black(0, 3), sound(0, 2), sound(2, 4), *black(3, 4)])
    assert given_after(media, detector) == [[], [], [], [0, 1], [2], [3]]


def test_one_stream_alone_waits_for_nothing(detector: FaceDetector) -> None:
    pictures = given_after(Played(black(0, 4), has_audio=False), detector)
    assert pictures == [[0], [1], [2], [3]]
    assert given_after(Played([sound(0, 3), sound(3, 6)], has_video=False), detector) == [[0, 1, 2], [3, 4, 5]]


def test_a_stream_that_lags_too_far_counts_as_absent_until_it_returns(detector: FaceDetector) -> None:
    ahead = ABSENT_AFTER + 10
    media = Played([sound(0, ahead), *black(0, ahead)])
    seen = given_after(media, detector)
    assert seen[0] == list(range(10))
    assert list(chain.from_iterable(seen)) == list(range(ahead))
    steps = list(perceive(media, detector))
    assert all(step.mel is not None for step in steps)


def test_video_that_ends_early_leaves_the_sound_alone(detector: FaceDetector, portrait: list[Picture]) -> None:
    steps = list(perceive(Played([*portrait[:25], sound(0, 100)]), detector))
    assert [step.index for step in steps] == list(range(100))
    assert [bool(step.faces) for step in steps[15:35]] == [True] * 10 + [False] * 10
    assert all(step.mel is not None for step in steps)


def test_sound_that_ends_early_leaves_the_pictures_alone(detector: FaceDetector, portrait: list[Picture]) -> None:
    steps = list(perceive(Played([sound(0, 20), *portrait]), detector))
    assert [step.mel is not None for step in steps] == [True] * 21 + [False] * 29
    assert steps[-1].faces


def test_a_sound_track_that_starts_late_keeps_its_time(detector: FaceDetector) -> None:
    steps = list(perceive(Played([*black(0, 40), sound(20, 40)]), detector))
    assert [step.index for step in steps if step.mel is not None] == list(range(21, 40))


def test_the_end_is_that_of_the_longer_stream(detector: FaceDetector) -> None:
    extra = Sound(25 * SAMPLES_PER_STEP, NOISE[:1])
    assert len(list(perceive(Played([sound(0, 25)], has_video=False), detector))) == 25
    assert len(list(perceive(Played([sound(0, 25), extra], has_video=False), detector))) == 26
    assert len(list(perceive(Played([sound(0, 25), *black(0, 25)]), detector))) == 25
    assert list(perceive(Played([]), detector)) == []


def test_a_promised_stream_that_never_comes_delays_by_the_limit_only(detector: FaceDetector) -> None:
    seen = given_after(Played(black(0, ABSENT_AFTER + 5)), detector)
    assert seen[: ABSENT_AFTER + 1] == [[]] * ABSENT_AFTER + [[0]]
    assert list(chain.from_iterable(seen)) == list(range(ABSENT_AFTER + 5))


def test_a_stream_that_is_gone_is_not_waited_for_until_it_returns(detector: FaceDetector) -> None:
    """Sound alone for five seconds, a piece of two steps at a time; then pictures, two steps behind it."""
    alone = [sound(at, at + 2) for at in range(0, 126, 2)]
    together: list[Media] = []
    for at in range(124, 132):
        together += [*black(at, at + 1), sound(at + 2, at + 3)]
    seen = given_after(Played([*alone, *together]), detector)
    assert list(chain.from_iterable(seen)) == list(range(134))
    waits = [2 * (index + 1) - sum(map(len, seen[: index + 1])) for index in range(len(alone))]
    assert max(waits) == ABSENT_AFTER
    assert waits[GONE_AFTER // 2 :] == [0] * (len(waits) - GONE_AFTER // 2)
    # The pictures of steps 124 and 125 come too late; from then on steps wait for their pictures again.
    assert seen[len(alone) :] == [
        [],
        [],
        [],
        [],
        [126],
        [],
        [127],
        [],
        [128],
        [],
        [129],
        [],
        [130],
        [],
        [131],
        [132, 133],
    ]


def test_a_step_arrived_with_the_newest_of_its_media(detector: FaceDetector) -> None:
    early, late = replace(sound(0, 1), arrived=1.0), replace(sound(1, 3), arrived=5.0)
    pictures = [replace(picture, arrived=2.0 + picture.step) for picture in black(0, 5)]
    steps = list(perceive(Played([early, late, *pictures]), detector))
    assert [step.arrived for step in steps] == [2.0, 3.0, 5.0, 5.0, 6.0]


def test_a_picture_without_an_image_is_a_step_without_faces(detector: FaceDetector, portrait: list[Picture]) -> None:
    pictures = [replace(one, image=None) if one.step % 4 == 3 else one for one in portrait]
    steps = list(perceive(Played(pictures, has_audio=False), detector))
    assert [step.index for step in steps] == list(range(50))
    assert [bool(step.faces) for step in steps[12:]] == [step.index % 4 != 3 for step in steps[12:]]


def test_every_frame_is_measured_or_was_too_late(detector: FaceDetector) -> None:
    """Each frame is on show for two steps; those of the first second come when their steps are gone."""
    pictures = [replace(picture, frame=picture.step // 2) for picture in black(0, 100)]
    perception = perceive(Played([sound(0, 75), *pictures]), detector)
    assert [step.index for step in perception] == list(range(100))
    # Step 25 is the first whose picture is in time; it shows frame 12, of which step 24 was missed.
    assert perception.frames == FrameCounts(received=50, measured=38, absent=12)


def test_a_jump_of_time_gives_no_endless_empty_steps(detector: FaceDetector) -> None:
    far = 10**9
    media = Played([sound(0, 5), *black(0, 5), Picture(far, BLACK), Sound(SAMPLES_PER_STEP * far, NOISE[:6400])])
    indices = [step.index for step in perceive(media, detector)]
    assert indices == [*range(6 + ABSENT_AFTER), *range(far, far + 10)]


def test_what_comes_late_for_a_step_already_given_is_dropped(detector: FaceDetector, portrait: list[Picture]) -> None:
    steps = list(perceive(Played([sound(0, 200), *portrait, *black(150, 200)]), detector))
    assert [step.index for step in steps] == list(range(200))
    assert not any(step.faces for step in steps)


def test_pictures_that_repeat_or_go_back_are_dropped(detector: FaceDetector) -> None:
    media = Played([*black(0, 3), *black(1, 4)], has_audio=False)
    assert [step.index for step in perceive(media, detector)] == [0, 1, 2, 3]


def test_errors_of_the_media_pass_through_behind_the_steps_before_them(detector: FaceDetector) -> None:
    class Broken(Played):
        def __iter__(self) -> Iterator[Media]:
            yield from self.items
            raise OSError("broken")

    steps = perceive(Broken(black(0, 2), has_audio=False), detector)
    assert [next(steps).index, next(steps).index] == [0, 1]
    with pytest.raises(OSError, match="broken"):
        next(steps)


PEOPLE = {
    "face_then_none_hevc.mov": 1,
    "mead_sad_1080p.mp4": 1,
    "no_face_with_sound.mp4": 0,
    "portrait_no_audio_track.mp4": 1,
    "ravdess_neutral_720p.mp4": 1,
    "ravdess_neutral_b.mp4": 1,
    "ravdess_surprise_a.mp4": 1,
    "silent_track.mp4": 1,
    "single_face_mp3.mp4": 1,
    "talking_20s.mp4": 1,
}


def recorded(path: Path, detector: FaceDetector) -> list[Step]:
    with path.open("rb") as file, decode(file) as media:
        return list(perceive(media, detector))


@pytest.mark.data
@pytest.mark.parametrize("name", PEOPLE)
def test_a_recording_has_its_people(clip: Callable[[str], Path], detector: FaceDetector, name: str) -> None:
    steps = recorded(clip(name), detector)
    assert {face.track for step in steps for face in step.faces} == set(range(1, PEOPLE[name] + 1))
    with_face = [step.index for step in steps if step.faces]
    if name == "face_then_none_hevc.mov":
        assert max(with_face) < 61  # the face leaves by a cut at 2.4 s
        assert len(with_face) > 50
    elif PEOPLE[name]:
        assert len(with_face) > 0.9 * len(steps)


@pytest.mark.data
def test_a_stage_recording_has_its_people_shot_by_shot(clip: Callable[[str], Path], detector: FaceDetector) -> None:
    """Singer and pianist; pianist; singer; four of the audience. Cuts at steps 38, 90 and 198."""
    shots = [(0, 38, 2), (38, 90, 1), (90, 198, 1), (198, 251, 4)]
    steps = recorded(clip("several_faces_song.mp4"), detector)
    for start, end, people in shots:
        counts = Counter(face.track for step in steps if start <= step.index < end for face in step.faces)
        assert len(counts) == people
    assert {face.track for step in steps for face in step.faces} == set(range(1, 9))


@pytest.mark.data
def test_the_largest_face_is_one_person_throughout(clip: Callable[[str], Path], detector: FaceDetector) -> None:
    with clip("several_faces_song.mp4").open("rb") as file, decode(file) as media:
        steps = list(perceive(media, detector, faces="largest"))
    assert {tuple(face.track for face in step.faces) for step in steps} == {(), (1,)}
