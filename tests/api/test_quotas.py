"""What each caller may use: so many requests in any minute, so many sessions at once, whatever others do."""

from collections import defaultdict

import pytest
from api.frames_input import talking_head
from api.harness import run
from api.talking import talk
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from service.api.quotas import WINDOW, Quotas
from service.errors import QuotaExceeded, RateLimited
from service.protocol.messages import Checkpoint

MOST_REQUESTS, MOST_SESSIONS = 3, 2
CALLERS = st.sampled_from(["web", "app"])


class Use(RuleBasedStateMachine):
    """Two callers ask for more than they may; the same rules, told in the plainest way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.quotas = Quotas(MOST_REQUESTS, MOST_SESSIONS, clock=lambda: self.now)
        self.counted: defaultdict[str, list[float]] = defaultdict(list)
        self.open: list[tuple[str, object]] = []

    @rule(seconds=st.integers(0, 4 * int(WINDOW)).map(lambda quarters: quarters / 4))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(caller=CALLERS)
    def a_request_comes(self, caller: str) -> None:
        recent = [time for time in self.counted[caller] if time > self.now - WINDOW]
        if len(recent) < MOST_REQUESTS:
            self.quotas.count_request(caller)
            self.counted[caller].append(self.now)
            return
        with pytest.raises(RateLimited) as refused:
            self.quotas.count_request(caller)
        wait = refused.value.retry_after
        assert wait is not None
        assert 1 <= wait <= WINDOW
        assert len([time for time in recent if time > self.now + wait - WINDOW]) < MOST_REQUESTS

    @rule(caller=CALLERS)
    def a_session_is_opened(self, caller: str) -> None:
        place = self.quotas.session(caller)
        if len([one for one, _ in self.open if one == caller]) < MOST_SESSIONS:
            place.__enter__()
            self.open.append((caller, place))
            return
        with pytest.raises(QuotaExceeded) as refused:
            place.__enter__()
        assert refused.value.retry_after

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def a_session_ends(self, data: st.DataObject) -> None:
        _, place = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        place.__exit__(None, None, None)  # type: ignore[attr-defined]


Use.TestCase.settings = settings(max_examples=60, deadline=None)
TestUse = Use.TestCase


def test_zero_means_no_limit() -> None:
    quotas = Quotas(0, 0, clock=lambda: 0.0)
    for _ in range(1000):
        quotas.count_request("web")
    sessions = [quotas.session("web") for _ in range(100)]
    for one in sessions:
        one.__enter__()
    for one in sessions:
        one.__exit__(None, None, None)


def test_a_refused_request_does_not_put_off_the_next_one_that_is_taken() -> None:
    times = iter([0.0, 10.0, 30.0, 59.5, WINDOW])
    quotas = Quotas(1, 0, clock=lambda: next(times))
    quotas.count_request("web")
    for _ in range(3):
        with pytest.raises(RateLimited):
            quotas.count_request("web")
    quotas.count_request("web")


def test_a_session_that_goes_on_counts_only_where_it_began() -> None:
    messages = talking_head(50)
    with run(workers=1, max_analyses=1, checkpoint_interval=0.4, key_requests_per_minute=1) as service:
        with talk(service) as begun:
            begun.say("session.update", input="frames")
            begun.send(messages)
            checkpoint = begun.hear_until(Checkpoint)
        for _ in range(2):
            with talk(service) as resumed:
                resumed.say("session.resume", token=checkpoint.token)
                resumed.send(messages[checkpoint.replay_from :])
                resumed.end()
        with talk(service) as another:
            another.say("session.close")
            assert another.hear_out() == 1013
            assert another.failure().code == "rate_limited"
