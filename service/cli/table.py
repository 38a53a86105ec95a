"""What the command shows a reader: one table for each input."""

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.cli.sources import printable
from service.errors import AttuneError
from service.timeline.models import AnalysisResult, Person, Summary

TOP = 3
"""Probabilities shown for each person."""

NOBODY = Text("  Nobody: no face for long enough and no speech.", style="yellow")

_EVIDENCE = {"video": "face", "audio": "voice"}
_REASONS = {"no_evidence": "no evidence", "low_confidence": "uncertain"}


def result_table(source: str, result: AnalysisResult) -> RenderableType:
    """The people of one recording, what each expresses and on what evidence."""
    head = Text(printable(source), style="bold")
    head.append(f"  {describe_media(result)}", style="not bold dim")
    if not result.people:
        return Group(head, NOBODY, Text())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("Person", justify="right")
    table.add_column("Expressed")
    table.add_column("Confidence", justify="right")
    table.add_column("Evidence")
    table.add_column("Most probable", overflow="fold")
    table.add_column("From to", justify="right", no_wrap=True)
    for person in result.people:
        table.add_row(str(person.id), *summary_cells(person.summary), _extent(person))
    return Group(head, table)


def error_text(source: str, error: AttuneError) -> Text:
    """One line for an input that could not be analysed."""
    text = Text(printable(source), style="bold")
    text.append(f"  {error.code}: ", style="not bold red")
    text.append(printable(error.detail), style="not bold")
    return text


def speech_seconds(result: AnalysisResult) -> float:
    """Seconds of speech in the whole recording, whoever speaks."""
    return sum(segment.end - segment.start for segment in result.speech.segments)


def describe_media(result: AnalysisResult) -> str:
    """Length, picture and sound of a recording on one line."""
    media = result.media
    picture = f"{media.width} × {media.height}" if media.has_video else "no picture"
    sound = f"speech {speech_seconds(result):.1f} s" if media.has_audio else "no sound"
    return f"{media.duration:.1f} s · {picture} · {sound}"


def summary_cells(summary: Summary) -> tuple[RenderableType, ...]:
    """What is expressed, with what confidence and on what evidence, and what is most probable."""
    return (
        Text(describe_expressed(summary), style="bold" if summary.reason is None else "yellow"),
        "–" if summary.confidence is None else f"{summary.confidence:.0%}",
        describe_evidence(summary),
        most_probable(summary),
    )


def describe_expressed(summary: Summary) -> str:
    """The expressed emotion, or why there is none."""
    return _REASONS[summary.reason] if summary.reason else str(summary.expressed)


def describe_evidence(summary: Summary) -> str:
    """The evidence in a reader's words, face before voice."""
    return " + ".join(word for modality, word in _EVIDENCE.items() if modality in summary.modalities) or "none"


def most_probable(summary: Summary) -> str:
    """The most probable emotions, falling, with their probabilities."""
    ranked = sorted((summary.probabilities or {}).items(), key=lambda item: -item[1])
    return ", ".join(f"{label} {probability:.0%}" for label, probability in ranked[:TOP]) or "–"


def _extent(person: Person) -> str:
    return f"{person.timeline[0].time:.1f}–{person.timeline[-1].time:.1f} s" if person.timeline else "–"
