"""What a caller of the client can rely on, whatever the server does."""

import asyncio
import math

import pytest
from client.fake import LIMITS, FakeServer, Fault
from client.sessions import Outcome, recording, run, stream, take
from hypothesis import given, settings
from hypothesis import strategies as st

from service import errors
from service.client import ConnectionFailed, Event, SessionFailed, SessionUpdate, connect, inbox, outage
from service.client.errors import TRANSIENT
from service.protocol.messages import Measurement, SessionSummary

MEDIA = recording()
PICTURES = [(b"bad" if number % 9 == 4 else b"good") + recording(20, number) for number in range(60)]


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "_FIRST", 0.001)
    monkeypatch.setattr(outage, "_LONGEST", 0.004)


@pytest.fixture(scope="module")
def whole() -> dict[str, Outcome]:
    """What uninterrupted sessions give."""
    return {"container": run(stream([FakeServer()], MEDIA)), "frames": run(stream([FakeServer()], PICTURES))}


FAULTS = st.builds(
    Fault,
    sends=st.none() | st.integers(1, 120),
    receives=st.none() | st.integers(1, 60),
    how=st.sampled_from(["abort", "close", *sorted(TRANSIENT)]),
    announces=st.none() | st.integers(2, 120),  # session.created is always the first
    status=st.sampled_from([None] * 6 + [503, 502, 429]),
)
LEAVES = Fault(announces=40, sends=60, how="draining")
ACCEPTS = Fault(sends=30)
"""The first connection, so that the session begins."""


def test_an_unbroken_session_gives_each_step_and_person_once_and_the_summary_last(whole: dict[str, Outcome]) -> None:
    outcome = whole["container"]
    places = [(one.time, one.id) for one in outcome.events if isinstance(one, Measurement)]
    assert places == sorted(set(places))
    assert {time for time, _ in places} == {step / 25 for step in range((3000 - 70) // 50)}
    assert outcome.events[-1] is outcome.summary


@settings(max_examples=40, deadline=None)
@given(faults=st.lists(FAULTS, max_size=8), cut=st.integers(1, 700), replicas=st.integers(1, 3))
def test_a_session_over_breaking_connections_equals_an_unbroken_one(
    whole: dict[str, Outcome], faults: list[Fault], cut: int, replicas: int
) -> None:
    servers = [FakeServer([ACCEPTS, *faults] if number == 0 else faults[number:]) for number in range(replicas)]
    assert run(stream(servers, MEDIA, cut=cut)) == whole["container"]


@settings(max_examples=40, deadline=None)
@given(faults=st.lists(FAULTS, max_size=8))
def test_frames_over_breaking_connections_give_the_same_too(whole: dict[str, Outcome], faults: list[Fault]) -> None:
    assert run(stream([FakeServer([ACCEPTS, *faults])], PICTURES)) == whole["frames"]


@pytest.mark.parametrize("kind", ["container", "frames"])
@pytest.mark.parametrize("message", range(3, 40))
def test_it_may_break_at_any_message_of_the_server(whole: dict[str, Outcome], kind: str, message: int) -> None:
    server = FakeServer([Fault(sends=message)])
    assert run(stream([server], MEDIA if kind == "container" else PICTURES)) == whole[kind]
    assert len(server.openings) == 2


def test_it_goes_on_from_the_last_checkpoint_and_not_from_the_start(whole: dict[str, Outcome]) -> None:
    servers = [FakeServer([Fault(sends=100)]), FakeServer()]
    assert run(stream(servers, MEDIA)) == whole["container"]
    assert servers[1].openings == ["session.resume"]
    assert sum(map(len, servers[1].received)) < len(MEDIA) * 0.6


def test_it_starts_anew_where_there_was_no_checkpoint_yet(whole: dict[str, Outcome]) -> None:
    servers = [FakeServer([Fault(sends=9)]), FakeServer()]
    assert run(stream(servers, MEDIA)) == whole["container"]
    assert servers[1].openings == ["session.update"]


def test_a_break_between_the_end_of_the_media_and_the_summary_is_mended(whole: dict[str, Outcome]) -> None:
    sends = len(whole["container"].events) + 2 + (len(MEDIA) - 70) // 50 // 8
    server = FakeServer([Fault(sends=sends)])
    assert run(stream([server], MEDIA)) == whole["container"]
    assert len(server.openings) == 2


def test_the_attention_is_that_of_all_measurements(whole: dict[str, Outcome]) -> None:
    outcome = whole["container"]
    for person, rows in outcome.attention.items():
        own = [one for one in outcome.events if isinstance(one, Measurement) and one.id == person]
        for label, weights in rows.items():
            powers = [math.exp(one.scores[label]) if one.modalities and one.scores else 0.0 for one in own]
            assert weights == pytest.approx([power / sum(powers) for power in powers], abs=1e-8)


def test_a_session_that_outgrew_its_ring_says_so_when_it_breaks() -> None:
    server = FakeServer([Fault(receives=40)], checkpoints=False)
    with pytest.raises(BaseExceptionGroup) as raised:
        run(stream([server], MEDIA, cut=50, ring_bytes=500))
    assert raised.group_contains(ConnectionFailed, match="no longer kept")


def test_a_small_ring_is_enough_where_checkpoints_come(whole: dict[str, Outcome]) -> None:
    assert run(stream([FakeServer([Fault(sends=100)])], MEDIA, cut=50, ring_bytes=2500)) == whole["container"]


def test_a_chunk_larger_than_a_message_is_sent_in_pieces(whole: dict[str, Outcome]) -> None:
    server = FakeServer()
    server.limits = LIMITS.model_copy(update={"max_message_bytes": 64})
    assert run(stream([server], MEDIA, cut=1000)) == whole["container"]
    assert max(map(len, server.received)) == 64


def test_a_silent_session_is_kept_alive() -> None:
    async def idle() -> None:
        server = FakeServer()
        server.limits = LIMITS.model_copy(update={"idle_timeout": 0.03})
        async with server.running(), connect(server.url) as session:
            await server.kept_alive.wait()
            await session.send(MEDIA)
            await session.close()

    run(idle())


# Servers that leave


@pytest.mark.parametrize("kind", ["container", "frames"])
def test_a_server_that_leaves_is_left_at_once_and_nothing_is_lost_or_told_twice(
    monkeypatch: pytest.MonkeyPatch, whole: dict[str, Outcome], kind: str
) -> None:
    monkeypatch.setattr(outage, "_FIRST", 1000.0)  # any pause would be longer than the test may take
    monkeypatch.setattr(outage, "_LONGEST", 1000.0)
    servers = [FakeServer([LEAVES]), FakeServer([LEAVES])]
    assert run(stream(servers, MEDIA if kind == "container" else PICTURES)) == whole[kind]
    assert [server.openings for server in servers] == [["session.update", "session.resume"], ["session.resume"]]


def test_behind_a_balancer_the_same_address_leads_to_another_server(
    monkeypatch: pytest.MonkeyPatch, whole: dict[str, Outcome]
) -> None:
    monkeypatch.setattr(outage, "_FIRST", 1000.0)
    monkeypatch.setattr(outage, "_LONGEST", 1000.0)
    balancer = FakeServer([LEAVES, LEAVES])
    assert run(stream([balancer], MEDIA)) == whole["container"]
    assert len(balancer.openings) == 3


@pytest.mark.parametrize("fault", [Fault(sends=1, how="draining"), Fault(sends=2, how="draining"), Fault(announces=2)])
def test_a_server_that_leaves_is_no_reason_not_to_begin(whole: dict[str, Outcome], fault: Fault) -> None:
    assert run(stream([FakeServer([fault, fault])], MEDIA)) == whole["container"]


def test_servers_that_do_nothing_but_leave_are_given_up() -> None:
    async def closed_for_good() -> None:
        server = FakeServer([Fault(sends=1, how="draining")] * 10_000)
        async with server.running(), connect(server.url, patience=0.3):
            pytest.fail("entered")

    with pytest.raises(errors.Draining):
        run(closed_for_good())


# What ends a session


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("token_expired", errors.TokenExpired),
        ("media_unreadable", errors.MediaUnreadable),
        ("message_too_large", errors.MessageTooLarge),
        ("of_the_future", SessionFailed),
    ],
)
def test_a_fatal_error_is_raised_as_its_class_after_all_that_came_before(code: str, kind: type[Exception]) -> None:
    async def failing() -> list[Event]:
        events: list[Event] = []
        server = FakeServer([Fault(sends=30, how=code)])
        async with server.running(), connect(server.url) as session:
            await session.send(MEDIA)
            with pytest.raises(kind, match=f"It is {code}"):
                await take(session, events)
            with pytest.raises(kind):
                await session.close()
        return events

    assert len(run(failing())) > 20


def test_a_session_that_cannot_be_mended_is_given_up_with_the_last_reason() -> None:
    async def doomed() -> None:
        server = FakeServer([Fault(sends=20)] + [Fault(status=503)] * 10_000)
        async with server.running(), connect(server.url, patience=0.3) as session:
            await session.send(MEDIA)
            await take(session, [])

    with pytest.raises(ConnectionFailed, match="503"):
        run(doomed())


def test_bytes_that_crash_every_worker_are_given_up() -> None:
    async def poison() -> None:
        server = FakeServer([Fault(sends=30)] + [Fault(receives=3, how="worker_failed")] * 10_000)
        async with server.running(), connect(server.url, patience=0.3) as session:
            await session.send(MEDIA)
            await take(session, [])

    with pytest.raises(errors.WorkerFailed):
        run(poison())


@pytest.mark.parametrize("kind", ["container", "frames"])
def test_a_checkpoint_said_again_is_nothing_new(kind: str) -> None:
    """A server that goes on says first the checkpoint at which it does, and may crash right behind it for ever."""

    async def poison() -> None:
        server = FakeServer([Fault(sends=60)] + [Fault(sends=4, how="worker_failed")] * 10_000)
        media = MEDIA if kind == "container" else PICTURES
        with pytest.raises(BaseExceptionGroup) as raised:
            await stream([server], media, patience=0.3)
        assert raised.group_contains(errors.WorkerFailed)
        assert server.openings[1:] == ["session.resume"] * (len(server.openings) - 1)
        assert len(server.openings) > 3

    run(poison())


def test_without_patience_the_first_loss_is_final() -> None:
    async def once() -> None:
        server = FakeServer([Fault(sends=20)])
        async with server.running(), connect(server.url, patience=0) as session:
            await session.send(MEDIA)
            await take(session, [])

    with pytest.raises(ConnectionFailed, match="lost"):
        run(once())


def test_another_model_never_goes_on_with_a_session_but_others_may_also_at_the_same_address(
    whole: dict[str, Outcome],
) -> None:
    new, old = FakeServer([Fault(model="2")] * 2), FakeServer()
    first = FakeServer([Fault(sends=60)] + [Fault(status=503)] * 9)
    assert run(stream([first, new, old], MEDIA)) == whole["container"]

    balancer = FakeServer([Fault(sends=60), Fault(model="2"), Fault(model="2")])
    assert run(stream([balancer], MEDIA)) == whole["container"]
    with pytest.raises(BaseExceptionGroup) as raised:
        run(stream([FakeServer([Fault(sends=60)] + [Fault(model="2")] * 10_000)], MEDIA, patience=0.3))
    assert raised.group_contains(errors.TokenForeignModel)


# Beginning and leaving


def test_any_replica_may_be_the_first(whole: dict[str, Outcome]) -> None:
    servers = [FakeServer([Fault(status=503)] * 9), FakeServer()]
    assert run(stream(servers, MEDIA)) == whole["container"]


def test_where_nobody_answers_the_block_is_not_entered() -> None:
    async def absent() -> None:
        async with connect("ws://127.0.0.1:9"):
            pytest.fail("entered")

    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        run(absent())


@pytest.mark.parametrize(("status", "kind"), [(401, errors.Unauthorized), (404, ConnectionFailed)])
def test_a_refused_handshake_is_raised(status: int, kind: type[Exception]) -> None:
    async def refused() -> None:
        async with FakeServer([Fault(status=status)]).running() as server, connect(server.url):
            pytest.fail("entered")

    with pytest.raises(kind):
        run(refused())


def test_the_key_is_shown_and_a_wrong_one_refused_in_the_servers_words() -> None:
    async def shown(key: str) -> None:
        async with FakeServer(key="right").running() as server, connect(server.url, key=key) as session:
            await session.close()

    run(shown("right"))
    with pytest.raises(errors.Unauthorized, match="Another key"):
        run(shown("wrong"))


def test_each_connection_shows_a_credential_of_its_own_where_one_is_asked_for_it() -> None:
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        return "right"

    outcome = run(stream([FakeServer([ACCEPTS], key="right")], recording(), key=token))
    assert outcome.summary is not None
    assert asked == 2


def test_what_gives_no_credential_ends_the_session_with_its_reason() -> None:
    async def none() -> str:
        raise LookupError("no token today")

    async def connected() -> None:
        async with FakeServer().running() as server, connect(server.url, key=none):
            pytest.fail("entered")

    with pytest.raises(LookupError, match="no token today"):
        run(connected())


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.client.session._GREETING_TIMEOUT", 0.1)

    async def mute() -> None:
        async with FakeServer([Fault(mute=True)]).running() as server, connect(server.url):
            pytest.fail("entered")

    with pytest.raises(ConnectionFailed, match="said nothing"):
        run(mute())


def test_a_block_may_be_left_at_any_time() -> None:
    async def left() -> None:
        async with FakeServer().running() as server:
            async with connect(server.url) as session:
                await session.send(MEDIA)
            with pytest.raises(ConnectionFailed):
                await session.send(MEDIA)
            with pytest.raises(ConnectionFailed):
                await session.close()

    run(left())


def test_misuse_is_told_apart() -> None:
    async def misuse() -> None:
        async with FakeServer().running() as server, connect(server.url, SessionUpdate(input="frames")) as session:
            with pytest.raises(RuntimeError, match="input is frames"):
                await session.send(b"x")
            with pytest.raises(ValueError, match="no time"):
                await session.send_picture(b"x", -1)
            with pytest.raises(errors.MessageTooLarge):
                await session.send_picture(bytes(LIMITS.max_message_bytes), 0)
            with pytest.raises(RuntimeError, match="once the session is closed"):
                session.attention(1)
            await session.send_sound(b"12", 0.0, rate=16_000)
            await session.close()
            with pytest.raises(RuntimeError, match="closed"):
                await session.send_picture(b"x", 1)
            with pytest.raises(LookupError):
                session.attention(99)

    run(misuse())


# Back-pressure


def test_a_caller_who_only_wants_the_summary_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SIZE", 10)

    async def careless() -> SessionSummary:
        async with FakeServer().running() as server, connect(server.url) as session:
            await session.send(MEDIA)
            summary = await session.close()
            with pytest.raises(RuntimeError, match="iterate while sending"):
                await take(session, [])
            return summary

    assert run(careless()).media.frames == 58


def test_a_slow_reader_holds_the_server_up_and_misses_nothing(
    monkeypatch: pytest.MonkeyPatch, whole: dict[str, Outcome]
) -> None:
    monkeypatch.setattr(inbox, "SIZE", 4)

    async def slow() -> list[Event]:
        events = []
        async with FakeServer().running() as server, connect(server.url) as session:
            first = asyncio.create_task(anext(session))
            await asyncio.sleep(0)
            await session.send(MEDIA)
            events.append(await first)
            await asyncio.sleep(0.2)
            assert len(session._inbox._events) <= 4
            closing = asyncio.create_task(session.close())
            await take(session, events)
            await closing
        return events

    assert run(slow()) == whole["container"].events
