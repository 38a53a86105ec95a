"""The phases of leaving: they go one way, each promises what it says, and answers then end their connections."""

import asyncio

import httpx
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.api.drain import FIRST_REQUEST_SECONDS, Drain, LastAnswers, Phase
from service.errors import Draining
from service.settings import Settings

SETTINGS = Settings(drain_delay=3, session_grace=5, shutdown_grace=30)
ORDER = list(Phase)


class Clock:
    """A clock that a test moves on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Leaving(RuleBasedStateMachine):
    """Whatever is called, and however often, and however long it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.drain = Drain(SETTINGS, clock=self.clock)
        self.seen: tuple[float, ...] = ()

    @rule()
    def begin(self) -> None:
        self.drain.begin()
        assert self.drain.has_begun

    @rule()
    def close(self) -> None:
        self.drain.close()
        assert self.drain.closed.is_set()

    @rule()
    def end(self) -> None:
        self.drain.end()
        assert self.drain.over.is_set()
        assert self.drain.grace_left == self.drain.session_grace_left == 0

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 5.0, 30.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def nothing_is_taken_back(self) -> None:
        drain = self.drain
        now = (
            ORDER.index(drain.phase),
            drain.has_begun,
            drain.may_close,
            drain.refuses_work,
            drain.closed.is_set(),
            drain.over.is_set(),
        )
        assert all(new >= old for new, old in zip(now, self.seen, strict=False))
        self.seen = now

    @invariant()
    def sessions_have_no_longer_than_uploads(self) -> None:
        assert 0 <= self.drain.session_grace_left <= 5
        assert self.drain.session_grace_left <= self.drain.grace_left <= 30


TestLeaving = Leaving.TestCase


def test_it_may_close_when_the_delay_is_over_and_to_begin_again_does_not_prolong_it() -> None:
    clock = Clock()
    drain = Drain(SETTINGS, clock=clock)
    assert not drain.may_close
    drain.begin()
    clock.now += 2.9
    drain.begin()
    assert not drain.may_close
    clock.now += 0.2
    assert drain.may_close


def test_it_may_close_at_once_without_a_delay_and_when_it_is_to_end() -> None:
    drain = Drain(Settings())
    drain.begin()
    assert drain.may_close
    drain = Drain(SETTINGS)
    drain.begin()
    drain.end()
    assert drain.may_close


def test_work_on_a_connection_made_in_time_is_not_refused_for_a_moment() -> None:
    clock = Clock()
    drain = Drain(SETTINGS, clock=clock)
    drain.begin()
    clock.now += 100
    assert not drain.refuses_work
    drain.close()
    clock.now += FIRST_REQUEST_SECONDS / 2
    assert not drain.refuses_work
    clock.now += FIRST_REQUEST_SECONDS
    assert drain.refuses_work


def test_sessions_have_no_more_time_than_there_is() -> None:
    clock = Clock()
    drain = Drain(Settings(session_grace=50, shutdown_grace=2), clock=clock)
    drain.close()
    assert drain.session_grace_left == drain.grace_left == 2
    clock.now += 5
    assert drain.session_grace_left == drain.grace_left == 0


def test_whoever_works_to_the_end_is_told_when_that_is() -> None:
    async def work() -> None:
        drain = Drain(SETTINGS)
        waiting = asyncio.create_task(drain.until_over())
        await asyncio.sleep(0)
        drain.begin()
        drain.close()
        await asyncio.sleep(0)
        assert not waiting.done()
        drain.end()
        with pytest.raises(Draining):
            await waiting

    asyncio.run(work())


def test_answers_end_their_connections_from_the_beginning_of_the_drain_on() -> None:
    def answer(request: Request) -> Response:
        return PlainTextResponse("yes", headers={"Connection": "keep-alive"} if request.url.query else None)

    drain = Drain(SETTINGS)
    app = LastAnswers(Starlette(routes=[Route("/", answer)]), drain=drain)

    async def ask(query: str) -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://attune") as client:
            return (await client.get("/" + query)).headers.get_list("connection")

    assert asyncio.run(ask("")) == []
    drain.begin()
    assert asyncio.run(ask("")) == ["close"]
    assert asyncio.run(ask("?keep")) == ["close"]
