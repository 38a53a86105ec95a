import random
import time as clock
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Clip, blocks, read_all, voice, write_clip
from media.messages import as_messages, encode, picture, read_messages, sound
from media.resuming import assert_same_from, resume_point
from numpy.typing import NDArray

from service.domain import FrameCounts, Sound
from service.errors import (
    AttuneError,
    InvalidFrame,
    InvalidMessage,
    MediaTooLong,
    MediaUnreadable,
    NoMedia,
    OutOfOrder,
    RateLimited,
)
from service.media import Live, MediaLimits, decode_frames
from service.protocol.frames import FrameMessage

IMAGES = [encode(blocks(index)) for index in range(40)]
JPEG = encode(blocks(0), "JPEG")
DAMAGED = IMAGES[0][:-300]
"""A picture whose header is whole."""


def speech(first: int, count: int, rate: int) -> NDArray[np.int16]:
    return np.round(voice(first, count, rate) * 32767).astype(np.int16)


def session(seconds: float, rate: int, block: int, fps: float, seed: int, faults: float = 0.0) -> list[FrameMessage]:
    """Pictures and sound in the order of time; a part of the pictures is damaged, out of order or no picture."""
    chance = random.Random(seed)  # noqa: S311
    events = [(index / fps, "picture", index) for index in range(round(seconds * fps))]
    events += [(first / rate, "sound", first) for first in range(0, round(seconds * rate), block)]
    messages: list[FrameMessage] = []
    sequence = 0
    for time, kind, index in sorted(events):
        if kind == "sound":
            messages.append(sound(sequence, time, speech(index, block, rate), rate))
        else:
            image = IMAGES[index % len(IMAGES)]
            fault = chance.random() / faults if faults else 1.0
            if fault < 0.3:
                messages.append(picture(sequence, time, b"\xff\xd8\xff no picture"))
            elif fault < 0.5:
                messages.append(picture(sequence, max(0.0, time - 0.3), image))
            elif fault < 0.7:
                messages.append(picture(max(0, sequence - 2), time, image))
            elif fault < 1:
                messages.append(picture(sequence, time, DAMAGED))
            else:
                messages.append(picture(sequence, time, image))
        sequence = max(sequence, messages[-1].sequence) + chance.choice([1, 1, 1, 7])
    return messages


def after(messages: list[FrameMessage], sequence: int) -> list[FrameMessage]:
    """What a client sends again."""
    return messages[next(index for index, one in enumerate(messages) if one.sequence == sequence) :]


@pytest.mark.parametrize(
    "clip",
    [
        Clip("webm", "libvpx", "libopus", muxer={"live": "1"}),
        Clip("mp4", sample_rate=44_100),
        Clip("matroska", "libx264", "libopus", audio_start=0.7, audio_gap=(1.2, 1.9)),
        Clip("webm", "libvpx", "libopus", video_start=0.4, video_times=[0.4 + index / 30 for index in range(40)]),
        Clip("webm", "libvpx", None, video_times=[0.0, 0.4, 0.41, 1.7, 1.9]),
        Clip("wav", None, "pcm_s16le", sample_rate=22_050),
    ],
    ids=["webm", "mp4", "gap", "30 per second", "pictures alone", "sound alone"],
)
def test_what_a_recording_holds_sent_as_messages_gives_the_same_bit_by_bit(clip: Clip) -> None:
    clip.seconds, clip.pictures, clip.sound = 2.0, blocks, voice
    upload = read_all(write_clip(clip))
    whole, faults = read_messages(as_messages(upload.items))
    assert faults == []
    assert whole.recording.steps == upload.steps
    assert all(np.array_equal(one, other) for one, other in zip(whole.recording.images, upload.images, strict=True))
    assert whole.recording.runs == upload.runs
    if upload.sounds:
        assert np.array_equal(whole.recording.samples, upload.samples)
    info = whole.recording.info
    assert (info.width, info.height) == (upload.info.width, upload.info.height)
    assert (info.has_video, info.has_audio) == (upload.info.has_video, upload.info.has_audio)
    assert whole.counts.measured == len(upload.pictures)


@pytest.mark.parametrize(
    ("rate", "block"), [(8_000, 256), (16_000, 320), (22_050, 1000), (44_100, 441), (48_000, 4096)]
)
@pytest.mark.parametrize("faults", [0.0, 0.25])
def test_what_follows_a_mark_is_the_same_as_without_interruption(rate: int, block: int, faults: float) -> None:
    fps = {8_000: 10.0, 16_000: 25.0, 22_050: 24.0, 44_100: 60.0, 48_000: 30.0}[rate]
    messages = session(4.0, rate, block, fps, rate, faults)
    whole, _ = read_messages(messages)
    steps = sorted(whole.marks)
    assert len(steps) > 40
    for step in steps[:: len(steps) // 8]:
        start, mark = whole.marks[step]
        again, _ = read_messages(after(messages, mark.replay_from), resume=resume_point(step, mark))
        assert_same_from(step, start, whole.recording, again.recording, 0.0)
        assert again.counts == whole.counts
        assert mark.init_bytes == 0


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    rate=st.sampled_from([8_000, 11_025, 16_000, 44_100, 48_000]),
    block=st.integers(100, 4000),
    fps=st.sampled_from([5.0, 15.0, 25.0, 29.97, 60.0]),
    lag=st.integers(0, 20),
    back=st.integers(0, 40),
    data=st.data(),
)
def test_sessions_can_be_resumed_again_and_again_whatever_they_hold(
    seed: int, rate: int, block: int, fps: float, lag: int, back: int, data: st.DataObject
) -> None:
    messages = session(2.5, rate, block, fps, seed, faults=0.2)
    whole, _ = read_messages(messages, lag=lag, back=back)
    marks, again = whole.marks, None
    for _ in range(3):
        if not marks:
            return
        step = data.draw(st.sampled_from(sorted(marks)))
        start, mark = marks[step]
        rest = after(messages, mark.replay_from)
        again, _ = read_messages(rest, resume=resume_point(step, mark), lag=lag, back=back)
        assert_same_from(step, start, whole.recording, again.recording, 0.0)
        assert again.counts == whole.counts
        marks = {later: found for later, found in again.marks.items() if later >= step}


def test_a_replay_holds_only_what_is_needed() -> None:
    messages = session(6.0, 16_000, 320, 25.0, 0)
    whole, _ = read_messages(messages, lag=0, back=26)
    step = max(whole.marks)
    rest = after(messages, whole.marks[step][1].replay_from)
    assert (messages[-1].time - rest[0].time) / 1e9 < 26 / 25 + 0.5


def reported(messages: list[FrameMessage], limits: MediaLimits | None = None) -> tuple[list[AttuneError], FrameCounts]:
    whole, faults = read_messages(messages, limits=limits)
    assert all(fault.recoverable for fault in faults)
    return faults, whole.counts


def test_faults_are_reported_with_their_number_and_the_session_goes_on() -> None:
    messages = [
        picture(0, 0.0, IMAGES[0]),
        picture(1, 0.04, b"GIF89a"),
        picture(2, 0.08, DAMAGED),
        picture(2, 0.12, IMAGES[1]),
        picture(5, 0.01, IMAGES[2]),
        sound(6, 0.2, speech(0, 1600, 16_000), 16_000),
        sound(7, 0.1, speech(0, 1600, 16_000), 16_000),
        sound(8, 0.3, speech(1600, 200_000, 16_000), 16_000),
        sound(8, 0.3, speech(1600, 1600, 16_000), 16_000),
        picture(9, 0.16, IMAGES[3]),
    ]
    whole, faults = read_messages(messages)
    assert [(type(fault), fault.sequence) for fault in faults] == [
        (InvalidFrame, 1),
        (InvalidFrame, 2),
        (OutOfOrder, 2),
        (OutOfOrder, 5),
        (OutOfOrder, 7),
        (InvalidFrame, 8),
        (OutOfOrder, 8),
    ]
    assert whole.counts == FrameCounts(received=6, measured=2, invalid=4)
    assert [(one.step, one.frame, one.image is None) for one in whole.recording.pictures] == [
        (0, 0, False),
        (1, 0, False),
        (2, 2, True),
        (3, 2, True),
        (4, 5, False),
    ]
    assert sum(len(one.samples) for one in whole.recording.sounds) == 1600


def test_more_pictures_in_a_second_than_allowed_are_passed_over() -> None:
    messages = [picture(index, index / 20, JPEG) for index in range(40)]
    faults, counts = reported(messages, MediaLimits(max_frame_rate=15))
    assert {type(fault) for fault in faults} == {RateLimited}
    assert [fault.sequence for fault in faults] == [*range(15, 20), *range(35, 40)]
    assert (counts.received, counts.invalid) == (40, 10)
    assert reported(messages, MediaLimits(max_frame_rate=20)) == ([], FrameCounts(received=40, measured=40))


def test_the_rate_is_limited_alike_after_resuming() -> None:
    messages = [picture(index, index / 30, JPEG) for index in range(90)]
    whole, _ = read_messages(messages, limits=MediaLimits(max_frame_rate=20))
    for step, (start, mark) in sorted(whole.marks.items())[::7]:
        again, _ = read_messages(
            after(messages, mark.replay_from), limits=MediaLimits(max_frame_rate=20), resume=resume_point(step, mark)
        )
        assert_same_from(step, start, whole.recording, again.recording, 0.0)
        assert again.counts == whole.counts


def test_pictures_that_are_too_large_are_passed_over() -> None:
    small = encode(blocks(0)[:24])
    messages = [picture(0, 0.0, JPEG), picture(1, 0.1, JPEG), picture(2, 0.2, small)]
    faults, counts = reported(messages, MediaLimits(max_pixels=64 * 47))
    assert [(type(fault), fault.sequence) for fault in faults] == [(InvalidFrame, 0), (InvalidFrame, 1)]
    assert counts == FrameCounts(received=3, measured=1, invalid=2)


@pytest.mark.parametrize("kind", ["picture", "sound"])
def test_media_longer_than_allowed_end_the_session(kind: str) -> None:
    late = picture(1, 10.1, JPEG) if kind == "picture" else sound(1, 10.1, speech(0, 160, 16_000), 16_000)
    with pytest.raises(MediaTooLong):
        read_messages([picture(0, 0.0, JPEG), late], limits=MediaLimits(max_duration=10.0))


def test_times_of_centuries_are_refused_at_once() -> None:
    with pytest.raises(MediaTooLong):
        read_messages([picture(0, 0.0, JPEG), FrameMessage("picture", 1, 2**64 - 1, 0, JPEG)])


@pytest.mark.parametrize("messages", [[], [picture(0, 0.0, b"none")]])
def test_a_session_without_media_is_told_so(messages: list[FrameMessage]) -> None:
    with pytest.raises(NoMedia):
        read_messages(messages)


def test_a_replay_must_begin_where_the_checkpoint_says() -> None:
    messages = session(2.0, 16_000, 320, 25.0, 0)
    whole, _ = read_messages(messages)
    step = max(whole.marks)
    _, mark = whole.marks[step]
    for wrong in (mark.replay_from - 1, mark.replay_from + 1):
        rest = [one for one in messages if one.sequence >= wrong]
        with pytest.raises(InvalidMessage, match=str(mark.replay_from)):
            read_messages(rest, resume=resume_point(step, mark))


def test_a_picture_on_time_for_its_step_and_all_sound_but_the_filter_s_tail_are_given_at_once() -> None:
    items: list[object] = []
    waiting = iter(session(1.0, 48_000, 480, 25.0, 0))
    sent: list[FrameMessage] = []

    def one_by_one() -> Iterator[tuple[FrameMessage, float]]:
        for message in waiting:
            if sent:
                check(sent[-1])
            sent.append(message)
            items.clear()
            yield message, 0.0

    def check(message: FrameMessage) -> None:
        if message.kind == "picture":
            assert [getattr(item, "step", None) for item in items] == [message.time // 40_000_000]
        else:
            (item,) = items
            assert isinstance(item, Sound)
            behind = message.time * 16 / 1e6 + 160 - (item.start + len(item.samples))
            assert 0 <= behind < 32

    with decode_frames(one_by_one(), report=items.append) as media:
        for item in media:
            items.append(item)
    assert len(sent) > 100


def test_late_pictures_are_given_without_an_image_and_arrivals_are_passed_on() -> None:
    now = clock.monotonic()
    messages = [(picture(index, index / 25, IMAGES[index]), now - (30 if 3 <= index < 6 else 0)) for index in range(9)]
    with decode_frames(iter(messages), live=Live(10.0), report=print) as media:
        items = list(media)
        assert media.counts == FrameCounts(received=9, measured=6, late=3)
    assert [getattr(item, "image", None) is None for item in items] == [3 <= index < 6 for index in range(9)]
    assert [item.arrived for item in items] == [arrived for _, arrived in messages]


def test_resuming_before_the_other_stream_has_begun() -> None:
    """Refused pictures are the only ones so far: they are not counted twice, and later ones have their number."""
    sounds = [sound(index, index * 0.02, speech(index * 320, 320, 16_000), 16_000) for index in range(100)]
    refused = [picture(100 + index, 1.0, b"none") for index in range(3)]
    more = [sound(110 + index, 2.0 + index * 0.02, speech(index * 320, 320, 16_000), 16_000) for index in range(50)]
    pictures = [picture(200 + index, 3.0 + index / 25, IMAGES[index]) for index in range(5)]
    messages = [*sounds, *refused, *more, *pictures]
    whole, _ = read_messages(messages)
    assert whole.recording.pictures[0].frame == 3
    for step, (start, mark) in sorted(whole.marks.items())[::5]:
        again, faults = read_messages(after(messages, mark.replay_from), resume=resume_point(step, mark))
        assert_same_from(step, start, whole.recording, again.recording, 0.0)
        assert again.counts == whole.counts
        assert len(faults) in (0, 3)


@pytest.mark.parametrize("fps", [25.0, 30.0], ids=["last picture on a step", "last picture held"])
@pytest.mark.parametrize("kind", ["sound", "picture"])
def test_a_stream_that_stopped_long_ago_is_not_asked_for_again_and_may_come_back(kind: str, fps: float) -> None:
    messages = session(2.0, 16_000, 320, fps, 3)
    sequence = messages[-1].sequence + 1
    for index in range(500):
        one: FrameMessage | None = None
        time, back = 2.0 + index / 50, index >= 450
        if (kind == "picture" or back) and index % 50 != 7:
            one = sound(sequence, time, speech(320 * index, 320, 16_000), 16_000)
        elif (kind == "sound" or back) and index % 2:
            one = picture(sequence, time, IMAGES[index % 40])
        if kind == "sound" and index % 4 == 1:
            one = picture(sequence, time, IMAGES[index % 40])
        if index == 448:  # a message that comes far too late
            one = sound(sequence, 0.5, speech(0, 320, 16_000), 16_000)
        if one is not None:
            messages.append(one)
            sequence += 1
    whole, late = read_messages(messages)
    assert [type(fault) for fault in late] == [OutOfOrder]
    places = [mark.replay_from for _, (_, mark) in sorted(whole.marks.items())]
    assert places == sorted(places)
    assert set(range(210, 270)) <= set(whole.marks)
    for step, (start, mark) in sorted(whole.marks.items())[60::25]:
        rest = after(messages, mark.replay_from)
        if 205 < step < 270:
            assert step / 25 - rest[0].time / 1e9 < 2.0
        again, faults = read_messages(rest, resume=resume_point(step, mark))
        if rest[0].sequence < (late[0].sequence or 0):
            assert [fault.sequence for fault in faults] == [late[0].sequence]
        assert_same_from(step, start, whole.recording, again.recording, 0.0)
        assert again.counts == whole.counts


@pytest.mark.parametrize("kind", ["sound", "picture"])
@pytest.mark.parametrize("missing", ["message", "everything from it on"])
def test_a_replay_without_the_message_to_go_on_with_is_refused_at_once(kind: str, missing: str) -> None:
    messages = session(6.0, 16_000, 320, 25.0, 5)
    whole, _ = read_messages(messages)
    name = {"sound": "sound", "picture": "pictures"}[kind]
    step, mark, wanted = next(
        (step, mark, cue["at"])
        for step, (_, mark) in sorted(whole.marks.items())
        if (cue := mark.state[name])
        and isinstance(cue, dict)
        and cue["at"] is not None
        and cue["at"] > mark.replay_from
    )
    rest = after(messages, mark.replay_from)
    place = next(index for index, one in enumerate(rest) if one.sequence == wanted)
    kept = rest[:place] + (rest[place + 1 :] if missing == "message" else [])
    sent = iter(kept)
    with pytest.raises(MediaUnreadable, match="not those of the checkpoint"):
        read_messages(sent, resume=resume_point(step, mark))
    assert len(list(sent)) == max(0, len(kept) - place - 1)


@pytest.mark.parametrize("missing", ["message", "everything from it on"])
def test_the_message_behind_which_a_stream_that_stopped_may_come_back_must_be_there(missing: str) -> None:
    messages = [sound(0, 0.0, speech(0, 320, 16_000), 16_000)]
    messages += [picture(2 * index, index / 25, IMAGES[index % 40]) for index in range(1, 300)]
    whole, _ = read_messages(messages)
    step, mark = next((step, mark) for step, (_, mark) in sorted(whole.marks.items()) if step > 200)
    cue = mark.state["sound"]
    assert isinstance(cue, dict)
    rest = after(messages, mark.replay_from)
    place = next(index for index, one in enumerate(rest) if one.sequence == cue["after"])
    assert place > 0
    kept = rest[:place] + (rest[place + 1 :] if missing == "message" else [])
    with pytest.raises(MediaUnreadable, match="not those of the checkpoint"):
        read_messages(kept, resume=resume_point(step, mark))
