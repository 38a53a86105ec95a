"""`attune analyze` from end to end, beside the bare libraries at the same work."""

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.arithmetic import file_ratios
from benchmarks.processes import Used, module, run_together, told_by
from benchmarks.serving import say
from benchmarks.webm import LoopedRecording
from benchmarks.work import Work

SHORT = 10.0
_PIECE = 10.0


class Files:
    """Recordings of several lengths from one clip, and what the floor has to do with the longest."""

    def __init__(self, recording: LoopedRecording, seconds: float, folder: Path, cores: list[int]) -> None:
        """`seconds`: of the longest, more than `SHORT`. `cores`: two, of which the last one also works alone."""
        self._recording = recording
        self.seconds = seconds
        self.folder = folder
        self.cores = cores

    def recording(self, seconds: float) -> Path:
        """A file of that length."""
        path = self.folder / f"{seconds:g}.webm"
        if not path.exists():
            with path.open("wb") as file:
                file.writelines(piece.data for piece in self._recording.pieces(seconds, _PIECE))
        return path

    @cached_property
    def work(self) -> Path:
        """The product's work on the longest recording."""
        path = self.folder / f"{self.seconds:g}.json"
        run_together([module("benchmarks.recording", self.recording(self.seconds), path)], self.cores[-1:])
        return path

    def floor(self, *options: str) -> dict[str, Any]:
        """The bare libraries at that work, on one core. Raises RuntimeError where they did not do all of it."""
        spent: dict[str, Any] = told_by(
            module("benchmarks.floor", self.recording(self.seconds), self.work, *options), self.cores[-1]
        )
        if spent["counts"] != (wanted := Work.load(self.work).counts()):
            raise RuntimeError(f"the floor did {spent['counts']}, the product {wanted}")
        return spent

    def analyse(self, seconds: float, cores: list[int]) -> Used:
        """As many runs of the command at once as there are cores, each on a recording of that length."""
        media, quietly = self.recording(seconds), ("--quiet", "--provider", "cpu")
        commands = [
            module("service", "analyze", media, "--json", self.folder / f"result{core}.json", *quietly)
            for core in cores
        ]
        return run_together(commands, cores)

    def round(self) -> tuple[dict[str, float], list[dict[str, Any]]]:
        """The ratios of one round, and what the floor spent before and after the command in it."""
        middle, half = SHORT + (self.seconds - SHORT) / 6, SHORT + (self.seconds - SHORT) / 2
        before = self.floor()
        alone = {length: asdict(self.analyse(length, self.cores[-1:])) for length in (SHORT, middle, self.seconds)}
        after = self.floor()
        pair = {length: asdict(self.analyse(length, self.cores)) for length in (SHORT, half)}
        # What changes slowly on the machine cancels out.
        floor = {name: (before[name] + after[name]) / 2 / self.seconds for name in ("seconds", "cpu_seconds")}
        ratios = file_ratios(floor, alone, pair)
        say(f"file: {', '.join(f'{name} {value:.3g}' for name, value in ratios.items())}")
        return ratios, [before, after]
