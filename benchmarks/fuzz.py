"""Does any input crash, hang or swell the service?

    PYTHONPATH=tests python -m benchmarks.fuzz [--inputs 100000] [--seed 0] [--json OUT] [--only NUMBER]

Sends bad uploads, sessions, messages and nonsense to a real service over loopback, many connections at once: recordings
of every container and codec changed where their pieces begin and end (`hostile.mutations`), and what clients say that
know no protocol (`wire.made_up`). Each is made from the seed and its number alone. Now and then a good recording, whose
result must be what it was at first. The exit code is 1 where there is a finding: an answer that is our fault or not
documented, an answer that does not come, a decoding process that ended, an error in the log, or memory, descriptors or
temporary files that do not come back. `--only` sends one input and says what came of it.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hostile.inputs import Input, make, prepare

from benchmarks.fuzzing import Record, Sender, numbers
from benchmarks.machine import machine
from benchmarks.serving import SAMPLE, Server, answering, save, say

_SENDERS = 12
_PART = 500
"""Inputs after which the good recording is measured, and memory is looked at."""
_WARM = 10_000
"""Inputs after which memory has to stay: by then every decoder has been used, on every thread's own heap."""
_MEMORY = (1.25, 80e6)
"""Share and bytes by which memory may have grown since `_WARM` inputs: allocators keep what they had."""
_ROOM = 64
"""Analyses, and sessions, that the service has room for: more than there are senders."""


def main() -> int:
    """Run and report; the exit code is 1 where there are findings."""
    parser = argparse.ArgumentParser(description="Bad inputs to a running service.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", type=int, help="send the input of this number alone")
    arguments = parser.parse_args()
    prepare()
    order = numbers(0, arguments.inputs, arguments.seed) if arguments.only is None else [arguments.only]
    report = {"machine": machine(), **measure(order, arguments.seed)}
    save(report, arguments.json)
    for name, value in report.items():
        say(f"{name}: {json.dumps(value, indent=1) if isinstance(value, dict) else value}")
    return 1 if report["findings"] else 0


def measure(order: list[int], seed: int) -> dict[str, Any]:
    """Send the inputs of these numbers to a service of their own."""
    with TemporaryDirectory() as folder:
        spool, log = Path(folder, "spool"), Path(folder, "log")
        spool.mkdir()
        options = {"max-analyses": _ROOM, "max-sessions": _ROOM, "spool-dir": spool, "log-level": "warning"}
        command = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        with log.open("wb") as file, answering("service", "serve", *command, log=file) as server:
            report = asyncio.run(_run(server, order, seed, spool))
        errors = [{"what": f"in the log: {text}"} for text in _errors(log.read_text(errors="replace"))]
    return report | {"findings": report["findings"] + errors}


async def _run(server: Server, order: list[int], seed: int, spool: Path) -> dict[str, Any]:
    record, good = Record(), SAMPLE.read_bytes()
    began = time.monotonic()
    processes = server.processes
    expected = await _measured(server, good)
    before = held = _held(server, spool)
    for done in range(0, len(order), _PART):
        inputs = _made(seed, order[done : done + _PART])
        await asyncio.gather(*(Sender(server.port, record).send_all(inputs) for _ in range(_SENDERS)))
        sent = sum(record.ways.values())
        if not _same(await _measured(server, good), expected):
            record.findings.append({"what": f"the good recording's result is another after {sent}"})
        if server.processes != processes:
            record.findings.append({"what": f"a process has ended by {sent} inputs"})
            processes = server.processes
        held = _held(server, spool)
        before = held if done < _WARM else before
        say(f"{sent} inputs, {time.monotonic() - began:.0f} s, {held}, {len(record.findings)} findings")
    if held["bytes"] > max(_MEMORY[0] * before["bytes"], before["bytes"] + _MEMORY[1]):
        record.findings.append({"what": f"memory has grown: {before} to {held}"})
    if held["descriptors"] > before["descriptors"] + 4 or held["threads"] > before["threads"] + 24:
        record.findings.append({"what": f"descriptors or threads have grown: {before} to {held}"})
    if held["files"]:
        record.findings.append({"what": f"{held['files']} temporary files are left"})
    return {
        "seed": seed,
        "inputs": sum(record.ways.values()),
        "messages_in_sessions": record.messages,
        "seconds": round(time.monotonic() - began, 1),
        "ways": dict(record.ways.most_common()),
        "outcomes": dict(sorted(record.outcomes.items())),
        "before": before,
        "after": held,
        "findings": record.findings,
    }


def _made(seed: int, order: list[int]) -> Iterator[Input]:
    return (make(seed, number) for number in order)


async def _measured(server: Server, good: bytes) -> object:
    """The result of the good recording."""
    status, result = await Sender(server.port, Record()).upload(good, "video/mp4")
    return result if status == 200 else {"status": status}


def _same(one: object, other: object) -> bool:
    """Whether two results are equal, numbers to 1e-5."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-5
    return one == other


def _held(server: Server, spool: Path) -> dict[str, int]:
    """What the service's processes hold together, once what was done last is over; `service_bytes` is what of the
    memory is not the decoding processes'."""
    time.sleep(1)
    tasks = [Path(f"/proc/{pid}") for pid in server.processes]
    return {
        "bytes": server.proportional_bytes,
        "service_bytes": server.own_proportional_bytes,
        "descriptors": sum(len(list((task / "fd").iterdir())) for task in tasks),
        "threads": sum(len(list((task / "task").iterdir())) for task in tasks),
        "files": len(list(spool.iterdir())),
    }


def _errors(log: str) -> list[str]:
    """The first lines of each error or traceback in the service's log."""
    lines = log.splitlines()
    starts = [at for at, line in enumerate(lines) if "Traceback" in line or " ERROR " in line or " CRITICAL " in line]
    return ["\n".join(lines[max(0, at - 1) : at + 40]) for at in starts[:20]]


if __name__ == "__main__":
    sys.exit(main())
