"""From what was measured to the ratios that are told."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any


def slope(points: Mapping[float, float], start: float, end: float) -> float:
    """Growth of a quantity for each unit of length between two lengths; what is spent once, at the start, drops out."""
    return (points[end] - points[start]) / (end - start)


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each quantity over the rounds. Raises ValueError where a round lacks one."""
    if any(one.keys() != rounds[0].keys() for one in rounds):
        raise ValueError("the rounds measured different things")
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


def file_ratios(
    floor: Mapping[str, float],
    alone: Mapping[float, Mapping[str, float]],
    pair: Mapping[float, Mapping[str, float]],
) -> dict[str, float]:
    """The product beside the floor in one round.

    `floor`: `seconds` and `cpu_seconds` for each second of media. `alone`: `seconds`, `cpu_seconds` and `peak_bytes` of
    a whole run on one core, by seconds of media, for a short, a middle and a long recording. `pair`: the same of two
    runs at once on two cores, for a short and a long one.
    """
    short, middle, long = sorted(alone)
    short_pair, long_pair = sorted(pair)
    clock, cpu = ({length: run[name] for length, run in alone.items()} for name in ("seconds", "cpu_seconds"))
    taken, used = slope(clock, short, long), slope(cpu, short, long)
    together = slope({length: run["seconds"] for length, run in pair.items()}, short_pair, long_pair)
    return {
        "ratio_one_core": floor["seconds"] / taken,
        "ratio_two_cores": 2 * floor["seconds"] / together,
        "outside_floor_share": 1 - floor["cpu_seconds"] / used,
        "media_seconds_per_core_second": 1 / used,
        "floor_media_seconds_per_core_second": 1 / floor["cpu_seconds"],
        "time_growth": slope(cpu, middle, long) / slope(cpu, short, middle),
        "memory_growth": alone[long]["peak_bytes"] / alone[short]["peak_bytes"],
        "peak_bytes": alone[long]["peak_bytes"],
        "start_seconds": clock[short] - short * taken,
        "seconds_per_media_second": taken,
        "core_busy": used / taken,
    }


def rival_ratio(seconds_per_media_second: float, rate: float, rival: Mapping[str, float]) -> float:
    """How many times as fast as a rival: pictures per second of one core, at `rate` pictures per second of media.

    `rival`: its `pictures` and the `seconds` that it took for them.
    """
    return rival["seconds"] / rival["pictures"] * rate / seconds_per_media_second


def upload_ratios(request: float, empty: float, floor: float) -> dict[str, float]:
    """One upload beside a request to an empty endpoint and the bare libraries at the same bytes, in seconds."""
    return {
        "overhead_ratio": (request - empty - floor) / floor,
        "request_ms": 1000 * request,
        "empty_ms": 1000 * empty,
        "floor_ms": 1000 * floor,
    }


def rounded(report: Any, digits: int = 4) -> Any:
    """A report with its floats to so many significant digits."""
    if isinstance(report, float):
        return float(f"{report:.{digits}g}")
    if isinstance(report, Mapping):
        return {name: rounded(value, digits) for name, value in report.items()}
    if isinstance(report, Iterable) and not isinstance(report, str):
        return [rounded(value, digits) for value in report]
    return report
