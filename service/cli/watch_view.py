"""A session on the terminal: live bars, the most attended moments, speech and delay; in the end a summary."""

import time
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.cli.report_palette import DARK
from service.cli.sources import printable
from service.cli.table import NOBODY, summary_cells
from service.cli.watch_moments import Attended
from service.cli.watch_state import PersonState, SessionState
from service.protocol.messages import Measurement, SessionSummary
from service.representation import LABELS

_BAR = 30
_REDRAWN = 8
"""Times a second that a terminal is drawn."""

_LINE = 1.0
"""Seconds of media between two lines where there is no terminal."""

_PANEL_LINES = len(LABELS) + 3
_EIGHTHS = " ▏▎▍▌▋▊▉"


class View:
    """Shows a session while it goes on; a context manager. Where there is no terminal, a line for each second."""

    def __init__(self, console: Console, source: str) -> None:
        self._console = console
        self._source = printable(source)
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._drawn = 0.0
        self.state = SessionState()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if self.state.summary is not None:
            self._console.print(summary_table(self._source, self.state))

    def show(self, event: object) -> None:
        """Take in what the session says, and draw when it is time."""
        self.state.add(event)
        self.refresh()

    def note(self, text: str) -> None:
        """Say `text` until there is something else to say."""
        if text == self.state.note:
            return
        self.state.note = text
        if self._live is not None:
            self._draw()
        elif text:
            self._console.print(text, markup=False, soft_wrap=True)

    def refresh(self) -> None:
        """Draw when it is time."""
        if self._live is not None:
            if time.monotonic() - self._drawn >= 1 / _REDRAWN:
                self._draw()
        elif self.state.seconds - self._drawn >= _LINE:
            self._drawn = self.state.seconds
            self._console.print(session_line(self.state), soft_wrap=True)

    def _draw(self) -> None:
        assert self._live is not None  # noqa: S101  (only called where there is a terminal)  # nosec B101
        self._drawn = time.monotonic()
        self._live.update(session_panels(self._source, self.state, self._console.height), refresh=True)


def session_panels(source: str, state: SessionState, height: int) -> RenderableType:
    """As many people as `height` lines hold, under a line about the session."""
    room = max(1, (height - 3) // _PANEL_LINES)
    people = state.on_show
    head = Text(source, style="bold")
    head.append(f"  {_status(state)}", style="not bold dim")
    parts: list[RenderableType] = [head, *(_panel(person) for person in people[:room])]
    if not people:
        parts.append(Text("Nobody yet: no face for long enough and no speech.", style="yellow"))
    if len(people) > room:
        parts.append(Text(f"and {len(people) - room} more", style="dim"))
    return Group(*parts)


def session_line(state: SessionState) -> Text:
    """The session at this moment on one line."""
    text = Text(f"{clock(state.seconds)}  ")
    said = [f"person {person.number}: {_most(person.latest)}" for person in state.on_show if person.latest is not None]
    text.append(" | ".join(said) or "nobody")
    return text.append(f"  {_status(state, with_time=False)}", style="dim")


def summary_table(source: str, state: SessionState) -> RenderableType:
    """The people of a session that has ended, what each expressed and when it mattered."""
    summary = state.summary
    assert summary is not None  # noqa: S101  (only called once there is one)  # nosec B101
    head = Text(source, style="bold")
    head.append(f"  {_media(summary)}", style="not bold dim")
    if not summary.people:
        return Group(head, NOBODY, Text())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("Person", justify="right")
    for name in ("Expressed", "Confidence", "Evidence", "Most probable", "Most attended"):
        table.add_column(name, overflow="fold")
    for person in summary.people:
        known = state.people.get(person.id)
        attended = _moments(known.moments) if known else "–"
        table.add_row(str(person.id), *summary_cells(person.summary), attended)
    return Group(head, table)


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def _panel(person: PersonState) -> RenderableType:
    latest = person.latest
    assert latest is not None  # noqa: S101  (on show)  # nosec B101
    grid = Table.grid(padding=(0, 1))
    for label in LABELS:
        probability = latest.probabilities[label]
        style = DARK.labels[label]
        grid.add_row(Text(label, style=style), Text(_bar(probability), style=style), f"{probability:4.0%}")
    attended = Text("most attended ", style="dim")
    attended.append(f"for {person.leading}: {_moments(person.moments)}" if person.leading else "–")
    return Panel(Group(grid, attended), title=f"Person {person.number}{_speaking(latest)}", title_align="left")


def _bar(share: float) -> str:
    eighths = round(share * _BAR * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)


def _speaking(measurement: Measurement) -> str:
    return {True: " · speaking", False: " · listening", None: ""}[measurement.speaking]


def _moments(moments: list[Attended]) -> str:
    return ", ".join(f"{clock(moment.time)} ({moment.weight:.1f}×)" for moment in moments) or "–"


def _most(measurement: Measurement) -> str:
    ranked = sorted(measurement.probabilities.items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {probability:.0%}" for label, probability in ranked[:2]) + _speaking(measurement)


def _status(state: SessionState, *, with_time: bool = True) -> str:
    parts = [clock(state.seconds)] if with_time else []
    parts.append("speech" if state.speech else "no speech")
    if state.delay is not None:
        parts.append(f"delay {state.delay * 1000:.0f} ms")
    if state.dropped:
        parts.append(f"{state.dropped} pictures dropped")
    if state.note and with_time:
        parts.append(state.note)
    return " · ".join(parts)


def _media(summary: SessionSummary) -> str:
    media = summary.media
    picture = f"{media.width} × {media.height}" if media.has_video else "no picture"
    sound = f"speech {summary.speech.seconds:.1f} s" if media.has_audio else "no sound"
    dropped = sum(media.dropped.values())
    return f"{media.duration:.1f} s · {picture} · {sound}" + (f" · {dropped} pictures dropped" if dropped else "")
