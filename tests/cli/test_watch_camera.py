"""Cameras are played by FFmpeg's own sources: a real clip in real time, and a tone."""

import io
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.cli.watch_camera import Camera, CameraUnavailable, Device, SoundClock, devices_of
from service.protocol.frames import FrameMessage
from service.representation import SAMPLE_RATE

ABSENT = Device("/dev/absent", "v4l2")
TONE = Device("sine=frequency=440:sample_rate=44100,arealtime", "lavfi")


def picture(sample: Path) -> Device:
    return Device(f"movie={sample},realtime", "lavfi")


def taken(camera: Camera, seconds: float) -> list[tuple[FrameMessage, float]]:
    """What a camera gives until it is stopped."""
    with camera:
        timer = threading.Timer(seconds, camera.stop)
        timer.start()
        found = list(camera)
        timer.cancel()
    return found


def test_pictures_and_sound_come_as_messages_in_order(sample: Path) -> None:
    camera = Camera(picture(sample), TONE)
    messages = [message for message, _ in taken(camera, 1.5)]
    assert not camera.is_silent
    assert [message.sequence for message in messages] == list(range(len(messages)))
    pictures = [message for message in messages if message.kind == "picture"]
    sounds = [message for message in messages if message.kind == "sound"]
    assert len(pictures) > 10
    assert {Image.open(io.BytesIO(one.payload)).size for one in pictures} == {(640, 360)}
    times = [one.time for one in pictures]
    assert times == sorted(times)
    assert times[-1] < 4e9
    heard = np.concatenate([np.frombuffer(one.payload, "<i2") for one in sounds])
    assert {one.rate for one in sounds} == {SAMPLE_RATE}
    spectrum = np.abs(np.fft.rfft(heard[:SAMPLE_RATE]))
    assert spectrum.argmax() == 440
    for one, following in pairwise(sounds):
        assert following.time - one.time == len(one.payload) // 2 * 1_000_000_000 // SAMPLE_RATE


def test_without_a_microphone_there_are_pictures_only(sample: Path) -> None:
    camera = Camera(picture(sample), ABSENT)
    messages = taken(camera, 0.5)
    assert camera.is_silent
    assert {message.kind for message, _ in messages} == {"picture"}
    assert all(0 < arrived <= time.monotonic() for _, arrived in messages)


def test_a_camera_that_is_not_there_has_its_code() -> None:
    with pytest.raises(CameraUnavailable, match="/dev/absent cannot be opened: No such file"), Camera(ABSENT, ABSENT):
        pass


def test_a_block_may_be_left_while_the_camera_runs_and_somebody_waits(sample: Path) -> None:
    seen: list[FrameMessage] = []
    with Camera(picture(sample), ABSENT) as camera:
        reader = threading.Thread(target=lambda: seen.extend(message for message, _ in camera))
        reader.start()
    reader.join(30)
    assert not reader.is_alive()


def test_a_source_names_a_camera() -> None:
    assert devices_of("camera")[0] == Device("/dev/video0", "v4l2")
    assert devices_of("/dev/video7")[0].name == "/dev/video7"


def test_sound_follows_sound_whatever_the_jitter_and_leaves_a_gap_where_some_was_lost() -> None:
    clock = SoundClock()
    step, length = 100_000_000, SAMPLE_RATE // 10
    starts = [clock.place(length, now) for now in (step, 2 * step + 30_000_000, 3 * step - 20_000_000)]
    assert starts == [0, step, 2 * step]
    assert clock.place(length, 14 * step) == 13 * step


@pytest.mark.parametrize("speed", [0.98, 1.02])
@pytest.mark.parametrize("length", [160, 1024, 8000])
def test_sound_whose_own_clock_runs_fast_or_slow_stays_with_the_pictures(speed: float, length: int) -> None:
    clock = SoundClock()
    last, nominal = 0, length * 1_000_000_000 // SAMPLE_RATE
    for index in range(1, 60 * SAMPLE_RATE // length):
        now = round(index * nominal / speed)
        start = clock.place(length, now)
        assert start >= last, "sound that goes back is refused"
        assert abs(start + nominal - now) < 250_000_000
        last = start


def test_a_burst_after_a_stall_does_not_put_sound_ahead_for_good() -> None:
    clock = SoundClock()
    step, length = 20_000_000, SAMPLE_RATE // 50
    for now in (50 * step, *[100 * step] * 50, *range(101 * step, 120 * step, step)):
        start = clock.place(length, now)
    assert abs(start + step - now) < 250_000_000


def test_sound_never_starts_before_the_media_does() -> None:
    assert SoundClock().place(SAMPLE_RATE, 10) == 0
