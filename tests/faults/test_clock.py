"""A wall clock that jumps: what lasts goes by the monotonic clock, and only what names a time of day moves."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from api.harness import ENTRIES, KEYS
from api.talking import talk
from faults.damaged import analyse, damaged, metric
from live.replicas import Replica
from websockets.exceptions import InvalidStatus

from service.protocol.messages import Checkpoint, Measurement, SessionResumed

HOUR = 3600
LIFETIME = 6 * HOUR


class Clock:
    """The wall clock of a process, which follows a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump(0)

    def jump(self, seconds: int) -> None:
        """From now on it is so far from the real one."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{seconds:+d}s\n")
        draft.replace(self._file)  # nobody may read half of it


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock") / "offset")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def served(program: Callable[..., str], clock: Clock, log: Path) -> Iterator[tuple[Replica, httpx.Client]]:
    """A replica by that clock, with a rate for each key."""
    program("faketime")
    [library] = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    environment = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock._file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    with damaged(
        log,
        environment=environment,
        api_keys=ENTRIES,
        checkpoint_interval=0.4,
        checkpoint_lifetime=LIFETIME,
        token_lifetime=300,
        key_requests_per_minute=1000,
        log_format="json",
    ) as (replica, client):
        client.headers["Authorization"] = f"Bearer {KEYS['web']}"
        yield replica, client


@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_jumps_by_hours_disturbs_nothing_that_runs(
    served: tuple[Replica, httpx.Client], clock: Clock, clip: bytes, log: Path, hours: int
) -> None:
    replica, client = served
    clock.jump(0)
    wanted, before = analyse(client, clip).json(), metric(client, "attune_analysis_seconds_sum")
    headers = {"Authorization": f"Bearer {KEYS['web']}"}
    with talk(replica, headers=headers) as session:
        session.media(clip[: len(clip) // 2])
        checkpoint = session.hear_until(Checkpoint)
        clock.jump(hours * HOUR)
        session.media(clip[len(clip) // 2 :])
        session.end()
        assert all(one.delay is not None and 0 <= one.delay < HOUR for one in session.all(Measurement))
    assert analyse(client, clip).json()["people"][0]["summary"] == wanted["people"][0]["summary"]
    assert 0 <= metric(client, "attune_analysis_seconds_sum") - before < HOUR
    assert client.get("/health/ready").status_code == 200
    with talk(replica, headers=headers) as session:
        session.say("session.resume", token=checkpoint.token)
        session.hear_until(SessionResumed)
    told = json.loads(log.read_text().splitlines()[-1])["time"]
    assert abs(datetime.fromisoformat(told) - datetime.now(UTC) - timedelta(hours=hours)) < timedelta(hours=1)


def test_only_what_names_a_time_of_day_ends_early_or_late(
    served: tuple[Replica, httpx.Client], clock: Clock, clip: bytes
) -> None:
    replica, client = served
    clock.jump(0)
    headers = {"Authorization": f"Bearer {KEYS['web']}"}
    with talk(replica, headers=headers) as session:
        session.media(clip)
        checkpoint = session.hear_until(Checkpoint)
    access = client.post("/v1/tokens").json()["token"]

    clock.jump(2 * LIFETIME)
    with pytest.raises(InvalidStatus, match="401"), talk(replica, query=f"?token={access}"):
        pass
    assert client.get("/v1/model").status_code == 200, "a key names no time"
    with talk(replica, headers=headers) as session:
        session.say("session.resume", token=checkpoint.token)
        assert session.hear_out() == 1008
        assert session.failure().code == "token_expired"
    clock.jump(-2 * LIFETIME)
    with talk(replica, query=f"?token={access}") as session:
        session.say("session.resume", token=checkpoint.token)
        session.hear_until(SessionResumed)
