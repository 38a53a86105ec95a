"""Three replicas behind a real balancer are restarted one after the other, and nobody notices."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from api.harness import PATIENCE
from balancing.balancers import Balancer, haproxy, nginx
from balancing.recordings import recordings
from balancing.sessions import Pace, play
from balancing.uploads import Requests, answers
from live.outcomes import Outcome, assert_nothing_lost
from live.replicas import Replica, replicas

_SESSIONS = 20
_SECONDS = 24.0
"""Media in each session."""
_SPEED = 0.4
"""Seconds of media in a second, so that two cores carry everything."""
_LONGEST = 3 * PATIENCE
_WITHIN = 1e-5
"""What media as `frames` promises, wherever a session goes on."""


@pytest.fixture
def restart_behind_nginx(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[..., str], sample: Path
) -> Iterator[Callable[[], None]]:
    """Replicas as compose.yaml sets them: the delay is longer than nginx leaves one alone that refused a connection."""
    with _three(folder := tmp_path_factory.mktemp("nginx"), drain_delay=2) as three:

        def restart() -> None:
            with nginx(program("nginx"), folder, [replica.port for replica in three]) as balancer:
                _restart_all_in_turn(three, balancer, sample)
            requests = balancer.requests()
            assert {request["status"] for request in requests} <= {"101", "200"}
            assert any("," in request["replicas"] for request in requests), "nothing was refused, so nothing is shown"

        yield restart


@pytest.fixture
def restart_behind_haproxy(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[..., str], sample: Path
) -> Iterator[Callable[[], None]]:
    """Replicas as in Kubernetes: within the delay each is asked whether it is ready, however busy the machine is."""
    with _three(folder := tmp_path_factory.mktemp("haproxy"), drain_delay=5) as three:

        def restart() -> None:
            with haproxy(program("haproxy"), folder, [replica.port for replica in three]) as balancer:
                _restart_all_in_turn(three, balancer, sample)
            requests = balancer.requests()
            assert {request["status"] for request in requests} <= {"101", "200"}
            assert {request["retries"] for request in requests} == {"0"}, "it was refused before it was led away"

        yield restart


def _three(folder: Path, *, drain_delay: float) -> AbstractContextManager[list[Replica]]:
    """With a checkpoint every 2.5 seconds of the clock some sessions leave at theirs and some at the deadline."""
    return replicas(3, folder, drain_delay=drain_delay, max_sessions=_SESSIONS, checkpoint_interval=1.0)


def _restart_all_in_turn(three: list[Replica], balancer: Balancer, sample: Path) -> None:
    found, wanted = asyncio.run(asyncio.wait_for(_restart_under_load(three, balancer, sample), _LONGEST))
    assert [outcome.reconnections for outcome in wanted] == [0] * len(wanted)
    for number, outcome in enumerate(found):
        assert outcome.reconnections >= 1, "a session stayed where it was, though every replica was restarted"
        assert_nothing_lost(outcome, wanted[number % len(wanted)], _WITHIN)


async def _restart_under_load(
    three: list[Replica], balancer: Balancer, sample: Path
) -> tuple[list[Outcome], list[Outcome]]:
    """What sessions gave that lived through it, and what those of the same media gave before."""
    media = recordings(sample, _SECONDS)
    wanted = await asyncio.gather(*(play(balancer.url, recording) for recording in media))
    requests = Requests(balancer.url, sample, await answers(balancer.url, sample))
    pace = Pace(_SPEED, hold_at=_SECONDS - 2.0)
    async with asyncio.TaskGroup() as group:
        group.create_task(requests.run())
        sessions = [group.create_task(play(balancer.url, media[n % len(media)], pace)) for n in range(_SESSIONS)]
        for replica in three:
            assert await asyncio.to_thread(replica.stop) == 0
            replica.start()
            await asyncio.to_thread(replica.wait_until_ready)
        pace.release()
        requests.stopping.set()
    assert requests.uploads >= len(three)
    return [session.result() for session in sessions], wanted


@pytest.mark.nginx
def test_a_rolling_restart_behind_nginx_fails_no_request_and_loses_no_measurement(
    restart_behind_nginx: Callable[[], None],
) -> None:
    restart_behind_nginx()


@pytest.mark.haproxy
def test_a_rolling_restart_behind_haproxy_fails_no_request_and_loses_no_measurement(
    restart_behind_haproxy: Callable[[], None],
) -> None:
    restart_behind_haproxy()


@pytest.mark.nginx
@pytest.mark.stress
def test_ten_rolling_restarts_in_a_row_behind_nginx(restart_behind_nginx: Callable[[], None]) -> None:
    for _ in range(10):
        restart_behind_nginx()


@pytest.mark.haproxy
@pytest.mark.stress
def test_ten_rolling_restarts_in_a_row_behind_haproxy(restart_behind_haproxy: Callable[[], None]) -> None:
    for _ in range(10):
        restart_behind_haproxy()
