"""What the bare libraries took for some work, part by part."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.webm import RATE
from benchmarks.work import Work

PARTS = ("decode", "sound", "detect", "follow", "crop", "encode", "step")


@dataclass(slots=True)
class Spent:
    """What one run took, and what it did."""

    parts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    """Seconds, by the clock."""
    seconds: float = 0.0
    """By the clock, all of it."""
    cpu_seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Work().counts(), 0))
    """As `Work.counts`, counted where the libraries were called."""

    @property
    def sessions_per_core(self) -> float:
        """Streams of 25 pictures per second that one core would hold if there were nothing else to do."""
        return self.counts["pictures"] / (RATE * self.cpu_seconds)

    def milliseconds(self) -> dict[str, float]:
        """By part, for each picture."""
        spent = {**self.parts, "sum": self.seconds}
        return {name: round(1000 * seconds / self.counts["pictures"], 3) for name, seconds in spent.items()}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what is done within as `name`."""
        began = time.perf_counter()
        yield
        self.parts[name] += time.perf_counter() - began
