"""The service that hostile media is sent to, and a good recording that is measured all the while."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.conftest import portrait
from api.harness import Running, run
from media.clips import Clip, write_clip

_CLOSE = 1e-5


@dataclass
class Battered:
    """A service with one decoding process, which must outlive everything."""

    running: Running
    spool: Path
    good: bytes
    expected: Any
    """The result of `good` before anything bad was sent."""
    pids: list[int]

    def check(self) -> None:
        """The process is the one of the beginning, nothing lies about, and the good recording gives what it gave."""
        assert self.running.service.pool.pids == self.pids
        assert self.running.metric("attune_worker_restarts_total") == 0
        assert not list(self.spool.iterdir())
        answer = self.running.analyse(self.good)
        assert answer.status_code == 200, answer.text
        assert _same(answer.json(), self.expected)

    @property
    def peak(self) -> int:
        """Most memory that the decoding process has held so far, in bytes."""
        status = Path(f"/proc/{self.pids[0]}/status").read_text()
        return 1024 * int(status.split("VmHWM:")[1].split()[0])

    @contextmanager
    def neighbour(self) -> Iterator[None]:
        """All the while somebody else sends the good recording, again and again, and gets what is expected."""
        done = threading.Event()

        def go_on() -> int:
            count = 0
            while not done.is_set() or not count:
                headers = {"Content-Type": "video/x-matroska"}
                address = f"http://127.0.0.1:{self.running.port}/v1/analyses"
                answer = httpx.post(address, content=self.good, headers=headers, timeout=180, trust_env=False)
                assert answer.status_code == 200, answer.text
                assert _same(answer.json(), self.expected)
                count += 1
            return count

        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(go_on)
            try:
                yield
            finally:
                done.set()
            assert going.result() > 0


def _same(one: Any, other: Any) -> bool:
    """Whether two results are equal, numbers to 1e-5."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _CLOSE
    return bool(one == other)


@pytest.fixture(scope="session")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Battered]:
    spool = tmp_path_factory.mktemp("spool")
    good = write_clip(
        Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=0.6, size=(400, 300), pictures=portrait)
    )
    with run(workers=1, max_analyses=8, max_sessions=8, spool_dir=spool) as running:
        first = running.analyse(good)
        assert first.status_code == 200, first.text
        assert first.json()["people"]
        yield Battered(running, spool, good, first.json(), running.service.pool.pids)
