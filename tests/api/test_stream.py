"""Live sessions over a real WebSocket: what they give, and how they end."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from api.harness import Running, wait_until
from api.talking import Talk, stream, talk
from workers.processes import open_sockets

from service.protocol.messages import (
    KeepAlive,
    Measurement,
    SessionConfig,
    SessionCreated,
    SessionSummary,
    SessionUpdated,
    UtteranceEnd,
    UtteranceStart,
)
from service.timeline import AnalysisResult


def numbers(steps: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Times and probabilities of timeline steps or measurements."""
    return np.array([[step.time, *step.probabilities.values()] for step in steps])


def summary_of(session: Talk) -> SessionSummary:
    """The summary, which comes last and once."""
    assert len(session.all(SessionSummary)) == 1
    last = session.heard[-1]
    assert isinstance(last, SessionSummary)
    return last


def test_a_session_says_what_it_works_with_before_anything_else(running: Running) -> None:
    with talk(running) as session:
        created = session.hear()
        assert isinstance(created, SessionCreated)
        assert created.defaults == SessionConfig()
        settings = running.service.settings
        assert created.limits.max_message_bytes == settings.max_message_bytes
        assert created.limits.max_duration == settings.max_session_duration
        assert created.limits.idle_timeout == settings.idle_timeout
        assert created.model == running.service.model


def test_a_container_gives_what_its_upload_gives(running: Running, clip: bytes) -> None:
    upload = AnalysisResult.model_validate_json(running.analyse(clip).content)
    session = stream(running, clip)
    [person] = upload.people
    measurements = session.all(Measurement)
    np.testing.assert_allclose(numbers(measurements), numbers(person.timeline), atol=1e-5)
    assert {measurement.id for measurement in measurements} == {person.id}
    summary = summary_of(session)
    assert summary.model == upload.model
    assert [one.id for one in summary.people] == [person.id]
    told, expected = summary.people[0].summary, person.summary
    assert (told.expressed, told.reason, told.modalities) == (expected.expressed, expected.reason, expected.modalities)
    assert told.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
    media = summary.media
    assert (media.duration, media.width, media.height) == (
        upload.media.duration,
        upload.media.width,
        upload.media.height,
    )
    assert (media.has_audio, media.has_video) == (True, True)


def test_every_picture_is_accounted_for(running: Running, clip: bytes) -> None:
    media = summary_of(stream(running, clip)).media
    assert media.frames == 50
    assert media.frames == media.measured + media.off_grid + sum(media.dropped.values())
    assert media.measured > 40


@pytest.mark.parametrize("seed", range(3))
def test_how_a_container_is_cut_makes_no_difference(running: Running, clip: bytes, seed: int) -> None:
    cuts = sorted(random.Random(seed).sample(range(1, len(clip)), 200))  # noqa: S311
    whole, cut = stream(running, clip, [len(clip)]), stream(running, clip, cuts)
    np.testing.assert_allclose(numbers(cut.all(Measurement)), numbers(whole.all(Measurement)), atol=1e-5)


def test_measurements_tell_how_long_they_took(running: Running, clip: bytes) -> None:
    delays = [measurement.delay for measurement in stream(running, clip).all(Measurement)]
    assert all(delay is not None and 0 < delay < 180 for delay in delays)


def test_speech_begins_and_ends(running: Running, sample: Any) -> None:
    session = stream(running, sample.read_bytes())
    kinds = [type(message) for message in session.heard if isinstance(message, UtteranceStart | UtteranceEnd)]
    assert kinds == [UtteranceStart, UtteranceEnd] * (len(kinds) // 2)
    assert kinds
    for start, end in zip(session.all(UtteranceStart), session.all(UtteranceEnd), strict=True):
        assert start.start == end.start < end.end
    assert summary_of(session).speech.seconds > 3


def test_a_session_works_as_it_was_set_up_to(running: Running, clip: bytes) -> None:
    session = stream(running, clip, interval=0.5, attention=False, alignment=False, faces="largest", horizon=None)
    updated = session.heard[1]
    assert isinstance(updated, SessionUpdated)
    assert updated.config == SessionConfig(
        interval=0.5, attention=False, alignment=False, faces="largest", horizon=None
    )
    measurements = session.all(Measurement)
    assert 4 <= len(measurements) <= 6
    assert all(measurement.scores is None and measurement.alignment is None for measurement in measurements)


def test_keepalives_are_answered_at_any_time_and_change_nothing(running: Running, clip: bytes) -> None:
    with talk(running) as session:
        session.say("keepalive")
        assert isinstance(session.hear_until(KeepAlive), KeepAlive)
        session.say("session.update")
        session.say("keepalive")
        session.media(clip)
        session.say("keepalive")
        session.say("session.close")
        session.say("keepalive")
        assert session.hear_out() == 1000
    assert Counter(type(message) for message in session.heard)[KeepAlive] >= 3
    assert len(session.all(Measurement)) == len(stream(running, clip).all(Measurement))


WRONG: dict[str, tuple[list[str | bytes], str]] = {
    "not JSON": (["{"], "invalid_message"),
    "not an object": (["[]"], "invalid_message"),
    "no type": (['{"input": "frames"}'], "invalid_message"),
    "unknown type": (['{"type": "session.start"}'], "invalid_message"),
    "unknown field": (['{"type": "session.update", "speed": 2}'], "invalid_message"),
    "bad value": (['{"type": "session.update", "interval": -1}'], "invalid_message"),
    "text for a number": (['{"type": "session.update", "interval": "0"}'], "invalid_message"),
    "not a number": (['{"type": "session.update", "interval": NaN}'], "invalid_message"),
    "set up twice": (['{"type": "session.update"}'] * 2, "invalid_message"),
    "media without a byte": ([b""], "invalid_message"),
    "set up after media": ([b"media", '{"type": "session.update"}'], "invalid_message"),
    "no token": (['{"type": "session.resume", "token": ""}'], "token_invalid"),
    "no baseline": (['{"type": "session.update", "baseline": "mine"}'], "token_invalid"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_client_may_not_say_ends_its_session_and_no_other(running: Running, name: str) -> None:
    said, code = WRONG[name]
    with talk(running) as other, talk(running) as session:
        session.send(said)
        assert session.hear_out() == 1008
        assert session.failure().code == code
        other.say("keepalive")
        other.hear_until(KeepAlive)


@pytest.mark.parametrize("media", [b"This is not a film.\n" * 50, b""])
def test_what_is_no_media_is_unsupported(running: Running, media: bytes) -> None:
    with talk(running) as session:
        session.media(media)
        session.say("session.close")
        assert session.hear_out() == 1003
        assert session.failure().code in {"unsupported_media", "no_media", "empty_body"}


@pytest.mark.parametrize("excess", [1, 2**20])
def test_a_message_that_is_too_large_is_refused(hasty: Running, excess: int) -> None:
    with talk(hasty) as session:
        session.hear()
        session.socket.send(bytes(hasty.service.settings.max_message_bytes + excess))
        assert session.hear_out() == 1009
        if excess == 1:  # of one far too large the server reads nothing
            assert session.failure().code == "message_too_large"


def test_a_session_that_is_too_long_is_ended(hasty: Running, sample: Any) -> None:
    with talk(hasty) as session:
        session.media(sample.read_bytes())
        assert session.hear_out() == 1009
        assert session.failure().code == "media_too_long"


def test_a_client_that_says_nothing_is_asked_to_leave(hasty: Running) -> None:
    with talk(hasty) as session:
        assert session.hear_out() == 1008
        assert session.failure().code == "idle_timeout"


def test_one_session_more_than_there_is_room_for_is_told_to_come_back(hasty: Running) -> None:
    with talk(hasty) as session, talk(hasty) as other:
        session.hear()
        assert other.hear_out() == 1013
        assert other.failure().code == "busy"
        assert other.failure().retry_after
    wait_until(lambda: hasty.metric("attune_sessions_active") == 0)
    with talk(hasty) as session:
        assert isinstance(session.hear(), SessionCreated)


def test_a_client_that_leaves_takes_all_of_its_session_along(running: Running, clip: bytes) -> None:
    wait_until(lambda: running.metric("attune_sessions_active") == 0)
    [worker] = running.service.pool.pids
    before = len(open_sockets(worker))
    cancelled = running.metric('attune_sessions_total{outcome="cancelled"}')
    for _ in range(3):
        with talk(running) as session:
            session.media(clip[: len(clip) // 2])
            session.hear_until(Measurement)
    wait_until(lambda: running.metric("attune_sessions_active") == 0)
    wait_until(lambda: len(open_sockets(worker)) <= before)
    assert running.metric('attune_sessions_total{outcome="cancelled"}') == cancelled + 3


def test_sessions_are_counted(running: Running, clip: bytes) -> None:
    def measured() -> tuple[float, ...]:
        return (
            running.metric('attune_sessions_total{outcome="ok"}'),
            running.metric("attune_measurements_total"),
            running.metric("attune_measurement_delay_seconds_count"),
            running.metric('attune_frames_total{fate="measured"}'),
            running.metric("attune_received_bytes_total"),
            running.metric("attune_media_seconds_total"),
        )

    before = measured()
    session = stream(running, clip)
    wait_until(lambda: running.metric("attune_sessions_active") == 0)
    steps = len(session.all(Measurement))
    grown = tuple(new - old for new, old in zip(measured(), before, strict=True))
    assert grown[:5] == (1, steps, steps, summary_of(session).media.measured, len(clip))
    assert grown[5] == pytest.approx(2, abs=0.2)
