"""Do callers keep what they have when three times as many come as there is room for?

    python -m benchmarks.load [--seconds 20] [--rounds 3] [--json OUT]

The service with its own defaults takes so many live sessions (`ATTUNE_MAX_SESSIONS`) and uploads
(`ATTUNE_MAX_ANALYSES`): that is 100 %. In every round come, one after the other, all sessions; the same beside three
times as many that want one; all uploads; three times as many; sessions and uploads together; and three times as many of
both. Those that are let in and those that are not are processes of their own (`benchmarks.traffic`), because a caller
that waits for another would look like a service that is slow. Told are medians over the rounds. `cores_of_others` is
what callers and all other processes of the machine used beside the service: more than 0.4 on two cores, and the machine
was not the benchmark's own.

The exit code is 1 unless: at 100 % no picture is dropped and the 95th percentile of the delay is below 200 ms; at 300 %
it is at most twice that, and uploads get through at half their speed at least; every refusal is 429 or 1013 `busy` with
`Retry-After`, and 99 of 100 come within 100 ms.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.live import HELD_BELOW
from benchmarks.machine import machine
from benchmarks.processes import module
from benchmarks.serving import Server, save, say, serving
from service.settings import Settings

FULL: Final = 3
"""Times as many callers as there is room for."""
SOON: Final = 0.1
"""Seconds to a refusal."""
_IDLE_SECONDS = 60.0


def main() -> int:
    """Measure, report, and judge."""
    parser = argparse.ArgumentParser(description="A service with three times the callers that it takes.")
    parser.add_argument("--seconds", type=float, default=20.0, help="of media in each session [default 20]")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    settings = Settings()
    with serving() as server:
        rounds = [
            _round(server, settings.max_sessions, settings.max_analyses, arguments.seconds)
            for _ in range(arguments.rounds)
        ]
    phases = {name: _median([one[name] for one in rounds]) for name in rounds[0]}
    refusals = {
        kind: _refusals([found for one in rounds for phase in one.values() for found in phase[kind]])
        for kind in ("knocks", "refused_uploads")
    }
    report = {
        "machine": machine(),
        "sessions": settings.max_sessions,
        "uploads": settings.max_analyses,
        "seconds": arguments.seconds,
        "rounds": arguments.rounds,
        "phases": phases,
        "refused": {"sessions": refusals["knocks"], "uploads": refusals["refused_uploads"]},
        **_ratios(phases),
    }
    faults = _faults(report)
    report["faults"] = faults
    say(json.dumps({name: report[name] for name in ("refused", "delay_ratios", "upload_ratios", "faults")}, indent=1))
    save(report, arguments.json)
    return 1 if faults else 0


def _round(server: Server, sessions: int, uploads: int, seconds: float) -> dict[str, dict[str, Any]]:
    def phase(name: str, **callers: int) -> dict[str, Any]:
        found = _phase(server, seconds, **callers)
        told = {key: value for key, value in found.items() if key not in ("knocks", "refused_uploads")}
        say(f"load: {name}: {json.dumps(told)}, {len(found['knocks'])} and {len(found['refused_uploads'])} refused")
        return found

    more = FULL - 1
    return {
        "sessions_100": phase("all sessions", sessions=sessions),
        "sessions_300": phase("three times", sessions=sessions, knocks=more * sessions),
        "uploads_100": phase("all uploads", uploads=uploads),
        "uploads_300": phase("three times", uploads=uploads, more_uploads=more * uploads),
        "both_100": phase("all sessions and uploads", sessions=sessions, uploads=uploads),
        "both_300": phase(
            "three times", sessions=sessions, uploads=uploads, knocks=more * sessions, more_uploads=more * uploads
        ),
    }


def _phase(
    server: Server, seconds: float, *, sessions: int = 0, uploads: int = 0, knocks: int = 0, more_uploads: int = 0
) -> dict[str, Any]:
    """Those that there is room for and, once these are in, the others; what all of them met."""
    inside = Callers(server, seconds, sessions=sessions, uploads=uploads)
    outside = Callers(server, seconds - 1, knocks=knocks, uploads=more_uploads)
    inside.go("open")
    used, busy, analysed, began = server.cpu_seconds, _busy_seconds(), _analysed(server), time.monotonic()
    outside.go("open")
    found = inside.told()
    taken = time.monotonic() - began
    used, busy, analysed = server.cpu_seconds - used, _busy_seconds() - busy, _analysed(server) - analysed
    others = outside.told()
    _wait_until(lambda: _metric(server, "attune_active_analyses") == _metric(server, "attune_sessions_active") == 0)
    delays = np.array(found["delays"])
    answers = found["uploads"] + others["uploads"]
    return {
        **{
            f"p{share}_ms": round(1000 * float(np.percentile(delays, share)), 1)
            for share in (50, 95, 99)
            if len(delays)
        },
        "dropped": found["dropped"],
        "failed": sum(end != "ok" for end in found["sessions"])
        + sum(answer["code"] not in ("ok", "busy") for answer in answers),
        "uploaded_seconds_per_second": round(analysed / taken, 2),
        "cores": round(used / taken, 2),
        "cores_of_others": round((busy - used) / taken, 2),
        "knocks": others["knocks"],
        "refused_uploads": [answer for answer in answers if answer["code"] != "ok"],
    }


class Callers:
    """A process of callers (`benchmarks.traffic`), ready to begin."""

    def __init__(self, server: Server, seconds: float, **callers: object) -> None:
        options = [text for name, count in callers.items() for text in (f"--{name}", str(count))]
        command = module("benchmarks.traffic", str(server.port), str(seconds), *options)
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._await("ready")

    def go(self, until: str) -> None:
        """Let them begin; return when they say so."""
        assert self._process.stdin is not None  # noqa: S101  (it is a pipe)
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        self._await(until)

    def told(self) -> Any:
        """What they met, once they have ended. Raises CalledProcessError where they failed."""
        with self._process:
            assert self._process.stdout is not None  # noqa: S101  (it is a pipe)
            out = self._process.stdout.read()
        if self._process.returncode:
            raise subprocess.CalledProcessError(self._process.returncode, self._process.args)
        return json.loads(out)

    def _await(self, word: str) -> None:
        assert self._process.stdout is not None  # noqa: S101  (it is a pipe)
        if self._process.stdout.readline().strip() != word:
            raise RuntimeError(f"callers ended before they were {word}")


def _refusals(found: list[dict[str, Any]]) -> dict[str, Any]:
    """How many callers were refused, how, and how soon."""
    taken = 1000 * np.array([one["seconds"] for one in found] or [0.0])
    kinds = {(one.get("status") or one.get("close_code"), one["code"], one["retry_after"]) for one in found}
    return {
        "count": len(found),
        "answers": [list(kind) for kind in sorted(kinds, key=str)],
        **{f"p{share}_ms": round(float(np.percentile(taken, share)), 1) for share in (50, 95, 99)},
        "longest_ms": round(float(taken.max()), 1),
    }


def _median(phases: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each figure; of faults the sum."""
    figures = [name for name, value in phases[0].items() if isinstance(value, int | float)]
    return {
        name: (sum if name in ("dropped", "failed") else median)([phase[name] for phase in phases]) for name in figures
    }


def _ratios(phases: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    def over(name: str, one: str, other: str) -> float:
        return round(float(phases[one][name] / phases[other][name]), 2)

    return {
        "delay_ratios": {
            "sessions_300_over_100": over("p95_ms", "sessions_300", "sessions_100"),
            "both_300_over_100": over("p95_ms", "both_300", "both_100"),
            "beside_uploads_over_without": over("p95_ms", "both_100", "sessions_100"),
        },
        "upload_ratios": {
            "uploads_300_over_100": over("uploaded_seconds_per_second", "uploads_300", "uploads_100"),
            "beside_sessions_over_without": over("uploaded_seconds_per_second", "both_100", "uploads_100"),
        },
    }


def _faults(report: dict[str, Any]) -> list[str]:
    """What does not hold."""
    phases, delays, speeds = report["phases"], report["delay_ratios"], report["upload_ratios"]
    sessions, uploads = report["refused"]["sessions"], report["refused"]["uploads"]
    held = {
        "at 100 % results are late": phases["sessions_100"]["p95_ms"] < 1000 * HELD_BELOW,
        "pictures were dropped": not sum(phase["dropped"] for phase in phases.values()),
        "a session or an upload failed": not sum(phase["failed"] for phase in phases.values()),
        "sessions are late where others are refused": max(delays["sessions_300_over_100"], delays["both_300_over_100"])
        <= 2,
        "uploads are slow where others are refused": speeds["uploads_300_over_100"] >= 0.5,
        "a session was refused otherwise": _all(sessions, 1013),
        "an upload was refused otherwise": _all(uploads, 429),
        "sessions are refused slowly": sessions["p99_ms"] < 1000 * SOON,
        "uploads are refused slowly": uploads["p99_ms"] < 1000 * SOON,
    }
    return [fault for fault, holds in held.items() if not holds]


def _all(refused: dict[str, Any], status: int) -> bool:
    return bool(refused["answers"]) and all(
        answer[:2] == [status, "busy"] and answer[2] for answer in refused["answers"]
    )


def _analysed(server: Server) -> float:
    """Seconds of media of uploads so far."""
    return _metric(server, 'attune_perception_seconds_count{kind="analysis"}')


def _busy_seconds() -> float:
    """Processor time that all processes of the machine have used."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _metric(server: Server, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:  # nosec B310
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _IDLE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError("the service does not come to rest")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
