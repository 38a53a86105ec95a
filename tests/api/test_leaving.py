"""Live sessions of a service that drains: told, given one more checkpoint, sent elsewhere, and whole there."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest
from api.harness import Running, run, wait_until
from api.talking import Talk, stream, talk
from websockets.exceptions import ConnectionClosed

from service.api.drain import Drain
from service.protocol.messages import (
    Checkpoint,
    Measurement,
    ServerMessage,
    SessionClosing,
    SessionCreated,
    SessionSummary,
)


def loop_call(service: Running, call: Callable[[], None]) -> None:
    """Have the service's own loop call it."""
    service.server.servers[0].get_loop().call_soon_threadsafe(call)


def assert_sent_elsewhere(session: Talk) -> None:
    """It was told why and where to."""
    failure = session.failure()
    assert (failure.code, failure.retry_after) == ("draining", 0)


def steps(messages: list[ServerMessage]) -> list[Measurement]:
    """The measurements among them."""
    return [message for message in messages if isinstance(message, Measurement)]


def test_a_session_goes_on_to_its_next_checkpoint_and_from_there_at_another_replica(
    running: Running, clip: bytes
) -> None:
    with run(workers=1, max_analyses=1, checkpoint_interval=0.4) as service:
        with talk(service) as session:
            session.media(clip[: len(clip) // 2])
            session.hear_until(Measurement)
            service.server.should_exit = True
            closing = session.hear_until(SessionClosing)
            assert not service.server.servers[0].is_serving(), "who moves at once would come back"
            with suppress(ConnectionClosed):  # the checkpoint may come before all is sent
                session.media(clip[len(clip) // 2 :])
            assert session.hear_out() == 1012
        assert_sent_elsewhere(session)
        assert 0 < closing.deadline <= 5
        assert closing.reason == "draining"
        last = session.heard[-2]
        assert isinstance(last, Checkpoint)
        after = session.heard[session.heard.index(closing) : -2]
        assert not [one for one in after if isinstance(one, Checkpoint)]
    before = steps(session.heard)
    assert max(step.time for step in before) < last.resume_at
    with talk(running) as other:
        other.say("session.resume", token=last.token)
        other.media(clip[: last.init_bytes] + clip[last.replay_from :])
        other.end()
    whole = stream(running, clip)
    assert [step.time for step in [*before, *steps(other.heard)]] == [step.time for step in steps(whole.heard)]
    for step, expected in zip([*before, *steps(other.heard)], steps(whole.heard), strict=True):
        assert step.probabilities == pytest.approx(expected.probabilities, abs=1e-5)


def test_a_session_without_media_ends_at_the_deadline_and_one_that_is_done_gets_its_summary(clip: bytes) -> None:
    with (
        run(workers=1, checkpoint_interval=60, session_grace=20) as service,
        talk(service) as ending,
        talk(service) as paused,
    ):
        ending.media(clip)
        ending.hear_until(Measurement)
        assert isinstance(paused.hear(), SessionCreated)
        service.server.should_exit = True
        ending.hear_until(SessionClosing)
        ending.end()
        assert ending.all(SessionSummary)
        assert 0 < paused.hear_until(SessionClosing).deadline <= 20
        paused.say("keepalive")
        loop_call(service, service.service.drain.end)  # the deadline need not be waited for
        assert paused.hear_out() == 1012
        assert_sent_elsewhere(paused)


def test_the_deadline_holds(clip: bytes) -> None:
    with run(workers=1, checkpoint_interval=60, session_grace=0.5) as service, talk(service) as session:
        session.media(clip)
        session.hear_until(Measurement)
        service.server.should_exit = True
        assert session.hear_out() == 1012
        assert_sent_elsewhere(session)
        assert not session.all(Checkpoint)
        assert session.all(SessionClosing)[0].deadline <= 0.5


@pytest.fixture(scope="module")
def closed() -> Iterator[Running]:
    """A service that takes no new work, though its connections still stand."""
    with run(workers=1, max_analyses=1) as service, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drain, "may_close", False)  # its server goes on
        loop_call(service, service.service.drain.close)
        wait_until(lambda: service.service.drain.refuses_work)
        yield service


def test_no_session_begins_any_more(closed: Running) -> None:
    with talk(closed) as session:
        assert session.hear_out() == 1012
    assert_sent_elsewhere(session)
    assert len(session.heard) == 1


def test_no_upload_begins_any_more_and_the_client_hears_why(closed: Running, clip: bytes) -> None:
    refused: httpx.Response = closed.analyse(clip)
    assert (refused.status_code, refused.json()["code"]) == (503, "draining")
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["connection"] == "close"
    assert closed.client.get("/health/ready").json()["code"] == "draining"
    assert closed.client.get("/health/live").status_code == 200
