"""`frames` input: pictures and samples one by one, each accounted for."""

from collections.abc import Callable

import numpy as np
import pytest
from api.frames_input import STEP, picture, sound, talking_head
from api.harness import Running
from api.talking import stream, stream_frames

from service.protocol.frames import HEADER, FrameMessage, pack
from service.protocol.messages import ErrorMessage, FramesDropped, Measurement, SessionSummary


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    """Two seconds."""
    return talking_head(50)


def test_every_picture_is_measured_and_its_sound_heard(running: Running, messages: list[bytes]) -> None:
    session = stream_frames(running, messages)
    media = session.all(SessionSummary)[0].media
    assert (media.frames, media.measured, media.off_grid) == (50, 50, 0)
    assert (media.has_audio, media.has_video) == (True, True)
    assert media.duration == pytest.approx(2, abs=0.05)
    times = [measurement.time for measurement in session.all(Measurement)]
    np.testing.assert_allclose(np.diff(times), 1 / 25, atol=1e-9)


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_pictures_come_in_several_formats(running: Running, kind: str) -> None:
    session = stream_frames(running, [picture(step, step, kind) for step in range(25)])
    assert session.all(SessionSummary)[0].media.measured == 25
    assert len(session.all(SessionSummary)[0].people) == 1


def test_faults_are_told_by_number_and_passed_over(running: Running, messages: list[bytes]) -> None:
    no_picture = pack(FrameMessage("picture", 61, 30 * STEP + 1, 0, b"\x89PNG\r\n\x1a\n" + b"nothing" * 9))
    said = [
        *messages[:60],
        sound(60, 30)[:-1],  # half a sample
        no_picture,
        b"short",
        picture(5, 31),  # back in sequence
        picture(62, 3),  # back in time
        *(message for step in range(31, 50) for message in (picture(2 * step + 1, step), sound(2 * step + 2, step))),
    ]
    session = stream_frames(running, said)
    told = [(error.code, error.sequence) for error in session.all(ErrorMessage)]
    assert told == [
        ("invalid_frame", 60),
        ("invalid_frame", 61),
        ("invalid_frame", None),
        ("out_of_order", 5),
        ("out_of_order", 62),
    ]
    assert not any(error.fatal for error in session.all(ErrorMessage))
    media = session.all(SessionSummary)[0].media
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())
    assert media.dropped["invalid"] == 3
    assert media.measured == 49


def test_pictures_without_content_or_with_a_sample_rate_are_invalid_ones(
    running: Running, messages: list[bytes]
) -> None:
    empty = pack(FrameMessage("picture", 60, 30 * STEP, 0, b""))
    rated = pack(FrameMessage("picture", 61, 30 * STEP, 8_000, picture(0, 30)[HEADER.size :]))
    session = stream_frames(running, [*messages[:60], empty, rated])
    told = [(error.code, error.sequence) for error in session.all(ErrorMessage)]
    assert told == [("invalid_frame", 60), ("invalid_frame", 61)]
    media = session.all(SessionSummary)[0].media
    assert (media.frames, media.dropped["invalid"]) == (32, 2)
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())


def test_more_pictures_than_allowed_are_passed_over(strict: Running) -> None:
    rate = strict.service.settings.max_frame_rate
    count = round(rate) + 20
    said = [pack(FrameMessage("picture", n, n * 10**9 // (2 * count), 0, picture(0, 0)[16:])) for n in range(count)]
    session = stream_frames(strict, said)
    codes = {error.code for error in session.all(ErrorMessage)}
    assert codes == {"rate_limited"}
    media = session.all(SessionSummary)[0].media
    assert media.dropped["invalid"] == len(session.all(ErrorMessage)) >= 15
    assert media.frames == count


def test_pictures_that_waited_too_long_are_dropped_only_where_that_was_asked_for(
    running: Running, messages: list[bytes]
) -> None:
    waiting = stream_frames(running, messages)
    assert not waiting.all(FramesDropped)
    assert sum(waiting.all(SessionSummary)[0].media.dropped.values()) == 0
    dropping = stream_frames(running, messages, late="drop", max_delay=0.001)
    media = dropping.all(SessionSummary)[0].media
    assert media.dropped["late"] > 25
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values()) == 50
    assert dropping.all(FramesDropped)[0].dropped["late"] > 0


def test_a_container_may_drop_late_pictures_too(running: Running, clip: bytes) -> None:
    session = stream(running, clip, late="drop", max_delay=0.001)
    media = session.all(SessionSummary)[0].media
    assert media.dropped["late"] > 10
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())


@pytest.mark.parametrize("messages_of", [picture, sound])
def test_a_session_of_pictures_or_of_sound_alone_is_one_too(
    running: Running, messages_of: Callable[[int, int], bytes]
) -> None:
    session = stream_frames(running, [messages_of(step, step) for step in range(50)])
    media = session.all(SessionSummary)[0].media
    assert media.duration == pytest.approx(2, abs=0.05)
    assert (media.has_video, media.has_audio) == (messages_of is picture, messages_of is sound)
