"""What the rounds come to, and the table of what was aimed at."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.arithmetic import medians, rival_ratio
from benchmarks.serving import say
from benchmarks.spent import Spent
from benchmarks.webm import RATE

AT_LEAST: Mapping[str, float] = {
    "file.ratio_one_core": 0.85,
    "file.ratio_two_cores": 1.7,
    "live.sessions_ratio": 0.8,
    "rivals.fer.ratio": 5.0,
    "rivals.hsemotion_b0.ratio": 4.0,
    "rivals.deepface.ratio": 1.2,
    "rivals.hsemotion_b0.recognition_ratio": 25.0,
    "rivals.deepface.recognition_ratio": 1.5,
}
AT_MOST: Mapping[str, float] = {"file.outside_floor_share": 0.15, "http.overhead_ratio": 0.25}


def told(
    rounds: Sequence[Mapping[str, Any]], live: Mapping[str, Any], uploads: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """Medians over the rounds of `benchmarks.__main__`, by part."""
    floor = [Spent(**spent) for one in rounds for spent in one["floor"]]
    single = [Spent(**one["floor_one_by_one"]) for one in rounds]
    return {
        "file": medians([one["file"] for one in rounds])
        | {
            "work": floor[0].counts,
            "floor_ms_per_picture": medians([spent.milliseconds() for spent in floor]),
            "rounds": [one["file"] for one in rounds],
        },
        "live": {"floor_ms_per_picture": medians([spent.milliseconds() for spent in single]), **live},
        "http": medians(uploads) | {"rounds": list(uploads)},
        "rivals": {name: medians([_beside(one, name) for one in rounds]) for name in rounds[0]["rivals"]},
    }


def _beside(one: Mapping[str, Any], name: str) -> dict[str, float]:
    """A rival in one round."""
    spent, seconds = one["rivals"][name], one["recognition"]
    beside = {
        "ratio": rival_ratio(one["file"]["seconds_per_media_second"], RATE, spent),
        "ms_per_picture": 1000 * spent["seconds"] / spent["pictures"],
    }
    if name in seconds:
        beside |= {
            "recognition_ratio": seconds[name] / seconds["attune"],
            "recognition_ratio_with_sound": seconds[name] / seconds["attune_with_step"],
            "recognition_ms": 1000 * seconds[name],
        }
    return beside


def table(report: Mapping[str, Any]) -> list[str]:
    """A line for each target: what was measured, what was aimed at, whether it is reached."""
    lines = [f"{'':40s} measured   target"]
    for key, target in {**AT_LEAST, **AT_MOST}.items():
        value = report
        for name in key.split("."):
            value = value[name]
        measured = float(str(value))
        reached = measured >= target if key in AT_LEAST else measured <= target
        sign = "at least" if key in AT_LEAST else "at most"
        lines.append(f"{key:40s} {measured:8.3f}   {sign} {target:g}{'' if reached else ', missed'}")
    return lines


def tell(report: Mapping[str, Any]) -> None:
    """The whole table."""
    for line in table(report):
        say(line)
    file, start = report["file"], report["start"]
    say(f"work, done by both: {file['work']}")
    say(f"floor, ms of one picture: {file['floor_ms_per_picture']}; live: {report['live']['floor_ms_per_picture']}")
    say(
        f"file: {file['media_seconds_per_core_second']:.1f} s of media a core second, "
        f"{file['peak_bytes'] / 1e6:.0f} MB at most, "
        f"time for each x{file['time_growth']:.3f} and memory x{file['memory_growth']:.3f} in the longest file"
    )
    say(f"start: ready after {start['ready_seconds']:.1f} s, idle {start['idle_proportional_bytes'] / 1e6:.0f} MB")
