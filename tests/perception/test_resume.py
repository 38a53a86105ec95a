"""Perception goes on from a checkpoint as if it had never stopped: to the last bit, wherever that is."""

import json
from collections import deque
from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from perception.comparing import assert_same_faces
from perception.tape import HEIGHT, SPEECH, WIDTH, FakeDetector, Tape, draw_picture

from service.domain import FaceChoice, FrameCounts, Media, Picture, ResumePoint, Sound, Step
from service.perception.perceive import Perception, perceive
from service.representation import SAMPLE_RATE, SAMPLES_PER_STEP


def resumed(items: Sequence[Media], point: ResumePoint, faces: FaceChoice, every: int) -> Perception:
    tape = Tape(items, point, json.loads(point.state)["media"])
    return perceive(tape, FakeDetector(), faces, checkpoint_every=every, resume=point)


def assert_same(one: Sequence[Step], other: Sequence[Step]) -> None:
    """To the last bit, checkpoints included except for where they read again from, which may be earlier."""

    def known(step: Step) -> object:
        return step.checkpoint and json.loads(step.checkpoint.state)["perception"]

    assert [step.index for step in one] == [step.index for step in other]
    for a, b in zip(one, other, strict=True):
        assert (a.speech, a.mel is None, a.arrived) == (b.speech, b.mel is None, b.arrived)
        if a.mel is not None and b.mel is not None:
            np.testing.assert_array_equal(a.mel, b.mel)
        assert_same_faces(a.faces, b.faces)
        assert known(a) == known(b)


def video(random: Random) -> list[Picture]:
    """Heads that wander and vanish, cuts, held frames, frames without an image, pauses of any length."""
    pictures: list[Picture] = []
    step, frame, scene = random.choice([0, 0, 3, 70]), 0, 0
    heads = [[random.randint(0, WIDTH - 20), random.randint(1, HEIGHT - 20), look] for look in range(2)]
    for _ in range(random.randint(2, 7)):  # shots
        scene = random.choice([scene, random.randrange(3)])
        missing, dropped, held = (random.choice([0.0, 0.0, 0.2]) for _ in range(3))
        for _ in range(random.choice([5, 20, 40])):
            for head in heads:
                head[0] = min(max(0, head[0] + random.randint(-1, 1)), WIDTH - 20)
            shown = [(x, y, look) for x, y, look in heads if random.random() >= missing]
            image = draw_picture(scene, shown, frame) if random.random() >= dropped else None
            for _ in range(1 + (random.random() < held)):
                pictures.append(Picture(step, image, frame, arrived=float(step + 1)))
                step += 1
            frame += 1
        step += random.choice([0, 0, 1, 30, 60, 120])
    return pictures


def sound(random: Random) -> list[Sound]:
    """Runs of any length with gaps of any length."""
    runs: list[Sound] = []
    at, end = random.choice([0, 0, 1000, 60_000]), random.randint(1, 12) * SAMPLE_RATE
    while at < end:
        for _ in range(random.choice([3, 30, 60])):
            length = random.choice([320, 640, 1024, 3000])
            runs.append(Sound(at, SPEECH[at : at + length], arrived=at / 100))
            at += length
        at += random.choice([0, 0, 900, 20_000, 32_000, 40_000, 90_000])
    return runs


def tape(seed: int) -> list[Media]:
    """Both, each as late behind the other as it likes, for a while at a time."""
    random = Random(seed)  # noqa: S311
    pictures, runs = deque(video(random)), deque(sound(random))
    items: list[Media] = []
    lag = 0
    while pictures or runs:
        if random.random() < 0.03:
            lag = random.choice([0, 0, -10, 10, -40, 45, 60, -60, 130, -130])  # steps that sound is behind
        if not runs or (pictures and pictures[0].step < runs[0].start / SAMPLES_PER_STEP + lag):
            items.append(pictures.popleft())
        else:
            items.append(runs.popleft())
    return items


tapes = st.integers(0, 2**32).map(tape)
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""A smaller seed makes no smaller tape."""


@settings(max_examples=20, deadline=None, phases=UNSHRUNK)
@given(items=tapes, faces=st.sampled_from(["all", "largest"]), every=st.sampled_from([10, 30, 50]), data=st.data())
def test_steps_from_any_checkpoint_on_are_those_of_the_whole(
    items: list[Media], faces: FaceChoice, every: int, data: st.DataObject
) -> None:
    perception = perceive(Tape(items), FakeDetector(), faces, checkpoint_every=every)
    whole = list(perception)
    places = [place for place, step in enumerate(whole) if step.checkpoint is not None]
    assert all(whole[place].index % every == 0 for place in places)
    assert len(places) == sum(step.index % every == 0 < step.index for step in whole)
    for place in data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique=True)) if places else []:
        point = whole[place].checkpoint
        assert point is not None
        assert point.step == whole[place].index
        again = resumed(items, point, faces, every)
        assert_same(list(again), whole[place:])
        assert again.frames == perception.frames


@settings(max_examples=10, deadline=None, phases=UNSHRUNK)
@given(items=tapes, data=st.data())
def test_checkpoints_of_a_resumed_stream_are_as_good(items: list[Media], data: st.DataObject) -> None:
    """Cut off again and again after any number of steps, each time resumed from the last checkpoint."""
    perception = perceive(Tape(items), FakeDetector(), checkpoint_every=10)
    whole = list(perception)
    kept: dict[int, Step] = {}
    stream, point = perceive(Tape(items), FakeDetector(), checkpoint_every=10), None
    while True:
        lasts = data.draw(st.integers(1, 200))
        for step in stream:
            kept[step.index] = step
            point = step.checkpoint or point
            lasts -= 1
            if not lasts and point is not None:
                break
        else:
            break
        stream = resumed(items, point, "all", 10)
    assert_same(list(kept.values()), whole)
    assert stream.frames == perception.frames


@settings(max_examples=20, deadline=None, phases=UNSHRUNK)
@given(items=tapes)
def test_every_frame_is_accounted_for_at_any_time(items: list[Media]) -> None:
    perception = perceive(Tape(items), FakeDetector())

    def check(counts: FrameCounts) -> None:
        assert counts.received == counts.measured + counts.off_grid + counts.late + counts.invalid + counts.absent
        assert min(counts.measured, counts.absent) >= 0

    for _ in perception:
        check(perception.frames)
    check(perception.frames)
    with_image = {item.frame for item in items if isinstance(item, Picture) and item.image is not None}
    assert perception.frames.measured + perception.frames.absent == len(with_image)


def test_where_media_cannot_be_read_again_there_are_no_checkpoints() -> None:
    class Once(Tape):
        def mark(self, step: int, sound_from: int) -> None:
            assert step % 10 == sound_from == 0

    pictures = [Picture(step, draw_picture(0, [(10, 10, 0)], step), step) for step in range(30)]
    perception = perceive(Once(pictures), FakeDetector(), checkpoint_every=10)
    assert [step.checkpoint for step in perception] == [None] * 30
    assert len(perception._before) <= 1


def test_a_checkpoint_is_small() -> None:
    """Two people in each of two shots, of which the memory of the first lasts for two seconds."""
    heads = [(10, 10, 0), (60, 40, 1)]
    pictures = [Picture(step, draw_picture(step // 40 % 3, heads, step), step) for step in range(120)]
    runs = [Sound(640 * step, SPEECH[640 * step : 640 * (step + 1)]) for step in range(120)]
    items = [item for both in zip(pictures, runs, strict=True) for item in both]
    sizes = [
        len(step.checkpoint.state)
        for step in perceive(Tape(items), FakeDetector(), checkpoint_every=10)
        if step.checkpoint is not None
    ]
    assert max(sizes) < 3000 + 3 * 1000
    assert sizes[3] < 3000 + 1000
