"""A process that may open no more files: it refuses what it cannot do, does not spin, and recovers by itself."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from api.harness import PATIENCE, wait_until
from api.talking import talk
from faults.damaged import analyse, damaged, metric
from live.replicas import Replica

from service.protocol.messages import Measurement

SPARE = 12


def descriptors(replica: Replica) -> int:
    return len(list(Path(f"/proc/{replica.pid}/fd").iterdir()))


def processor_seconds(replica: Replica) -> float:
    fields = Path(f"/proc/{replica.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@contextmanager
def no_more_than(replica: Replica, count: int) -> Iterator[None]:
    """The process may have so many descriptors."""
    before = resource.prlimit(replica.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(replica.pid, resource.RLIMIT_NOFILE, (count, before[1]))
    try:
        yield
    finally:
        resource.prlimit(replica.pid, resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Replica, httpx.Client]]:
    with damaged() as (replica, client):
        yield replica, client


def test_without_descriptors_what_runs_goes_on_newcomers_wait_and_nothing_spins(
    served: tuple[Replica, httpx.Client], clip: bytes
) -> None:
    replica, client = served
    restarts = metric(client, "attune_worker_restarts_total")
    before = descriptors(replica)
    with ExitStack() as stack, talk(replica) as session:
        session.media(clip[: len(clip) // 2])
        session.hear_until(Measurement)
        with no_more_than(replica, descriptors(replica) + SPARE):
            crowd = []
            for _ in range(4 * SPARE):
                one = stack.enter_context(socket.socket())
                one.settimeout(PATIENCE)
                one.connect(("127.0.0.1", replica.port))
                crowd.append(one)
            wait_until(lambda: descriptors(replica) >= before + SPARE)
            session.media(clip[len(clip) // 2 :])
            session.end()
            used = processor_seconds(replica)
            time.sleep(2.0)
            assert processor_seconds(replica) - used < 1.0, "it spins"
            assert client.get("/health/live").status_code == 200, "on a connection that it has"
            for one in crowd:
                one.close()
        wait_until(lambda: analyse(client, clip).status_code == 200)
    wait_until(lambda: descriptors(replica) <= before + 2)
    assert metric(client, "attune_worker_restarts_total") == restarts


def test_where_a_decoding_process_cannot_be_reached_callers_are_told_to_come_back(
    served: tuple[Replica, httpx.Client], clip: bytes
) -> None:
    replica, client = served
    assert client.get("/health/live").status_code == 200
    with talk(replica) as session:
        session.hear()
        with no_more_than(replica, descriptors(replica)):
            refused = analyse(client, clip)
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert int(refused.headers["retry-after"]) >= 1
            session.media(clip)
            assert session.hear_out() == 1013
            assert session.failure().code == "unavailable"
    assert analyse(client, clip).status_code == 200
    with talk(replica) as session:
        session.media(clip)
        session.end()
