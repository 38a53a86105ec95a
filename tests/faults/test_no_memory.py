"""An API process that is given no more memory."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
from api.harness import wait_until
from faults.damaged import analyse, damaged, metric
from live.replicas import Replica

AT_ONCE = 6


@contextmanager
def no_more_memory(replica: Replica) -> Iterator[None]:
    """The process may map no page beyond those that it has."""
    pages = int(Path(f"/proc/{replica.pid}/statm").read_text().split()[0])
    before = resource.prlimit(replica.pid, resource.RLIMIT_AS)
    resource.prlimit(replica.pid, resource.RLIMIT_AS, (pages * resource.getpagesize(), before[1]))
    try:
        yield
    finally:
        resource.prlimit(replica.pid, resource.RLIMIT_AS, before)


def test_without_memory_callers_are_told_to_come_back_and_with_it_all_is_as_before(clip: bytes) -> None:
    with damaged(max_analyses=3 * AT_ONCE) as (replica, client), ThreadPoolExecutor(AT_ONCE) as pool:

        def outcome(_: int) -> int | None:
            """The status of an upload; None where not even an answer could be made."""
            try:
                return analyse(client, clip).status_code
            except httpx.TransportError:
                return None

        wanted, pid = analyse(client, clip).json(), replica.pid
        with no_more_memory(replica):
            outcomes = set(pool.map(outcome, range(3 * AT_ONCE)))
        assert 503 in outcomes
        assert outcomes <= {200, 503, None}
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        assert set(pool.map(outcome, range(AT_ONCE))) == {200}
        assert analyse(client, clip).json()["people"][0]["summary"] == wanted["people"][0]["summary"]
        assert metric(client, "attune_active_analyses") == 0
        assert (replica.pid, metric(client, "attune_worker_restarts_total")) == (pid, 0)
