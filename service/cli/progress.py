"""The line that shows how far an analysis is."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from service.cli.sources import SourceFile, printable


class ProgressLine:
    """Seconds of media done, how much faster than real time, people so far; gone when the analysis ends.

    How long a recording is stands in no place that all containers have. The bar therefore shows the share of the bytes
    that have been read, and only moves where all are read before the end (a small or a spooled file).
    Nothing is shown where standard error is no terminal.
    """

    def __init__(self, console: Console, name: str, source: SourceFile, *, number: int, of: int) -> None:
        self._source = source
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[seconds]:.1f} s"),
            TextColumn("{task.fields[speed]}", style="dim"),
            TextColumn("{task.fields[people]}", style="dim"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        place = f"[{number}/{of}] " if of > 1 else ""
        self._task = self._progress.add_task(place + printable(name), total=None, seconds=0.0, speed="", people="")
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, seconds: float, people: int) -> None:
        """Show how far the analysis is."""
        read = self._source.share_read
        elapsed = max(time.monotonic() - self._began, 1e-3)
        self._progress.update(
            self._task,
            total=1.0 if read is not None and read < 1.0 else None,
            completed=read or 0.0,
            seconds=seconds,
            speed=f"{seconds / elapsed:.1f}×",
            people="1 person" if people == 1 else f"{people} people",
        )
