"""A session that is broken off goes on, from its checkpoint and the media after it, at another service."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from api.conftest import portrait
from api.frames_input import STEP, talking_head
from api.harness import Running, run
from api.talking import Talk, stream, stream_frames, talk
from media.clips import Clip, write_clip

from service.api.stream.checkpoints import Checkpoints
from service.protocol.frames import FrameMessage, pack
from service.protocol.messages import (
    Checkpoint,
    ErrorMessage,
    Measurement,
    SessionPerson,
    SessionResumed,
    SessionSummary,
    UtteranceEnd,
    UtteranceStart,
)

STEPS = Measurement | UtteranceStart | UtteranceEnd


@pytest.fixture(scope="module")
def other() -> Iterator[Running]:
    """A second replica, with the same key."""
    with run(workers=1, max_analyses=1, checkpoint_interval=0.4) as service:
        yield service


@pytest.fixture(scope="module")
def one() -> Iterator[Running]:
    """The first replica."""
    with run(workers=1, max_analyses=1, checkpoint_interval=0.4) as service:
        yield service


@pytest.fixture(scope="module")
def recording() -> bytes:
    """Nine seconds of a face and a tone in clusters of half a second."""
    return write_clip(
        Clip(
            "matroska",
            video="mpeg4",
            audio="pcm_s16le",
            seconds=9,
            size=(400, 300),
            pictures=portrait,
            muxer={"cluster_time_limit": "500"},
        )
    )


@pytest.fixture(scope="module")
def messages() -> list[bytes]:
    """Three seconds as `frames` input."""
    return talking_head(75)


def numbers(steps: Sequence[Measurement]) -> np.ndarray[Any, Any]:
    """Times, people, probabilities and scores."""
    return np.array([[s.time, s.id, *s.probabilities.values(), *(s.scores or {}).values()] for s in steps])


def steps_before(session: Talk, checkpoint: Checkpoint) -> list[Measurement]:
    """What was measured before the checkpoint was handed out."""
    return [m for m in session.heard[: session.heard.index(checkpoint)] if isinstance(m, Measurement)]


def assert_same_end(summary: SessionSummary, whole: SessionSummary, atol: float) -> None:
    assert summary.media == whole.media
    assert summary.speech == whole.speech
    for person, expected in zip(summary.people, whole.people, strict=True):
        assert person.summary.expressed == expected.summary.expressed
        np.testing.assert_allclose(normalisers(person), normalisers(expected), atol=atol, rtol=atol)


def normalisers(person: SessionPerson) -> list[float]:
    assert person.normaliser is not None
    return [number for one in person.normaliser.values() for number in (one.m, one.l)]


def test_a_container_goes_on_at_another_replica_from_any_checkpoint(
    one: Running, other: Running, recording: bytes
) -> None:
    whole = stream(one, recording)
    checkpoints = whole.all(Checkpoint)
    assert len(checkpoints) >= 20
    assert checkpoints[-1].replay_from > len(recording) / 8  # sound is heard again from a few seconds before
    for checkpoint in checkpoints[::5] + checkpoints[-1:]:
        before = steps_before(whole, checkpoint)
        assert all(step.time < checkpoint.resume_at for step in before)
        with talk(other) as session:
            session.say("session.resume", token=checkpoint.token)
            session.media(recording[: checkpoint.init_bytes])
            session.media(recording[checkpoint.replay_from :])
            session.end()
        resumed = session.heard[1]
        assert isinstance(resumed, SessionResumed)
        assert (resumed.resume_at, resumed.replay_from) == (checkpoint.resume_at, checkpoint.replay_from)
        after = session.all(Measurement)
        assert after[0].time >= checkpoint.resume_at
        np.testing.assert_allclose(numbers([*before, *after]), numbers(whole.all(Measurement)), atol=1e-5)
        assert_same_end(session.all(SessionSummary)[0], whole.all(SessionSummary)[0], atol=1e-5)


def test_frames_go_on_exactly(one: Running, other: Running, messages: list[bytes]) -> None:
    whole = stream_frames(one, messages)
    assert whole.all(SessionSummary)[0].media.frames == 75
    checkpoints = whole.all(Checkpoint)
    assert len(checkpoints) >= 4
    for checkpoint in checkpoints:
        with talk(other) as session:
            session.say("session.resume", token=checkpoint.token)
            session.send(messages[checkpoint.replay_from :])
            session.end()
        rejoined = [*steps_before(whole, checkpoint), *session.all(Measurement)]
        np.testing.assert_allclose(numbers(rejoined), numbers(whole.all(Measurement)), atol=1e-5)
        assert_same_end(session.all(SessionSummary)[0], whole.all(SessionSummary)[0], atol=1e-5)


def test_a_picture_that_was_refused_is_neither_counted_nor_told_of_again(one: Running, messages: list[bytes]) -> None:
    empty = pack(FrameMessage("picture", 50, 25 * STEP, 0, b""))  # in place of a good one
    said = [*messages[:50], empty, *messages[51:]]
    session = stream_frames(one, said)
    assert [error.sequence for error in session.all(ErrorMessage)] == [50]
    checkpoint = session.all(Checkpoint)[-1]
    assert checkpoint.replay_from <= 50 < 2 * 25 * checkpoint.resume_at
    with talk(one) as resumed:
        resumed.say("session.resume", token=checkpoint.token)
        resumed.send(said[checkpoint.replay_from :])
        resumed.end()
    assert not resumed.all(ErrorMessage)
    media = session.all(SessionSummary)[0].media
    assert media.dropped["invalid"] == 1
    assert resumed.all(SessionSummary)[0].media == media


def test_a_session_may_be_broken_off_again_and_again(one: Running, other: Running, messages: list[bytes]) -> None:
    expected = stream_frames(one, messages).all(Measurement)
    gathered: list[Measurement] = []
    checkpoint: Checkpoint | None = None
    for service in (one, other, one, other):
        with talk(service) as session:
            if checkpoint is None:
                session.say("session.update", input="frames")
            else:
                session.say("session.resume", token=checkpoint.token)
            session.send(messages[checkpoint.replay_from if checkpoint else 0 :])
            checkpoint = session.hear_until(Checkpoint)
            gathered += session.all(Measurement)  # then the line goes dead
    assert checkpoint is not None
    with talk(one) as session:
        session.say("session.resume", token=checkpoint.token)
        session.send(messages[checkpoint.replay_from :])
        session.end()
    gathered += session.all(Measurement)
    np.testing.assert_allclose(numbers(gathered), numbers(expected), atol=1e-5)


def test_tokens_stay_small(one: Running, recording: bytes) -> None:
    for checkpoint in stream(one, recording).all(Checkpoint):
        assert len(checkpoint.token) <= 32 * 1024


@pytest.mark.parametrize("people", [2, 3])
def test_tokens_stay_small_with_several_people(one: Running, people: int) -> None:
    crowd = write_clip(
        Clip(
            "matroska",
            video="mpeg4",
            audio="pcm_s16le",
            seconds=3,
            size=(400 * people, 300),
            pictures=lambda index: np.hstack([portrait(index)] * people),
        )
    )
    session = stream(one, crowd, baseline="learn")
    assert len(session.all(SessionSummary)[0].people) == people
    assert session.all(Checkpoint)
    for checkpoint in session.all(Checkpoint):
        assert len(checkpoint.token) <= (32 + 8 * (people - 1)) * 1024


def test_a_token_of_another_service_is_refused(one: Running, recording: bytes) -> None:
    token = stream(one, recording).all(Checkpoint)[-1].token
    with run(workers=1, max_analyses=1, checkpoint_key="quite another secret") as stranger, talk(stranger) as session:
        session.say("session.resume", token=token)
        assert session.hear_out() == 1008
        assert session.failure().code == "token_invalid"


def test_a_baseline_learnt_in_one_session_is_used_in_another(one: Running, other: Running, recording: bytes) -> None:
    learnt = stream(one, recording, baseline="learn").all(SessionSummary)[0].people[0].baseline
    assert learnt is not None
    vector = Checkpoints(other.service.signer, "", lifetime=1, baseline_lifetime=1).open_baseline(learnt)
    assert vector[-1] > 0.5  # of a face on show for more than two seconds
    used = stream(other, recording, baseline=learnt)
    # A session that uses one goes on with it.
    checkpoint = used.all(Checkpoint)[-1]
    with talk(one) as session:
        session.say("session.resume", token=checkpoint.token)
        session.media(recording[: checkpoint.init_bytes] + recording[checkpoint.replay_from :])
        session.end()
    assert session.all(SessionResumed)[0].config.baseline == learnt
    rejoined = [*steps_before(used, checkpoint), *session.all(Measurement)]
    np.testing.assert_allclose(numbers(rejoined), numbers(used.all(Measurement)), atol=1e-5)
