"""How late event loops get to what is due: the service's, beside one with nothing to do on the same machine.

python -m benchmarks.event_loop SECONDS

runs the one with nothing to do, and says how late it was, as JSON.
"""

import asyncio
import json
import subprocess
import sys
import urllib.request
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.processes import ROOT, module
from benchmarks.serving import Server
from service.api.loop_lag import watch

LATE: Final = 0.02
"""Seconds that nothing may hold the service's loop up for."""

_METRIC: Final = "attune_event_loop_lag_seconds"


@contextmanager
def watched(server: Server, seconds: float) -> Iterator[dict[str, float]]:
    """How late the service's loop was while the block ran, and for `seconds` of it one with nothing to do: shares of
    the looks that found it more than `LATE` behind, and what 99 of 100 stayed below, in milliseconds. There at the
    end of the block."""
    found: dict[str, float] = {}
    before = _cumulative(server)
    idle = subprocess.Popen(module("benchmarks.event_loop", str(seconds)), cwd=ROOT, stdout=subprocess.PIPE)
    try:
        yield found
    finally:
        told, _ = idle.communicate()
    counts = {bound: count - before[bound] for bound, count in _cumulative(server).items()}
    total = counts[float("inf")]
    found["late_share"] = 1 - counts[LATE] / total
    found["p99_below_ms"] = 1000 * min(bound for bound, count in counts.items() if count >= 0.99 * total)
    found |= {f"idle_{name}": value for name, value in json.loads(told).items()}


def main() -> int:
    """Run a loop with nothing to do."""
    lags: list[float] = []

    async def idle() -> None:
        watching = asyncio.create_task(watch(lags.append))
        await asyncio.sleep(float(sys.argv[1]))
        watching.cancel()

    asyncio.run(idle())
    lags.sort()
    on_time = bisect_left(lags, LATE)
    print(json.dumps({"late_share": 1 - on_time / len(lags), "p99_ms": 1000 * lags[int(0.99 * len(lags))]}))
    return 0


def _cumulative(server: Server) -> dict[float, float]:
    """How often the service's loop was at most so many seconds late."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:  # nosec B310
        text = answer.read().decode()
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{_METRIC}_bucket"
    }


if __name__ == "__main__":
    sys.exit(main())
