"""The report as one PNG."""

from typing import BinaryIO

from matplotlib.figure import Figure, FigureBase

from service.cli.report_figure import (
    PANELS,
    STRIP,
    THUMBNAIL,
    WIDTH,
    draw_panels,
    draw_strip,
    drawing_settings,
    number_moments,
)
from service.cli.report_moments import attended_moments
from service.cli.report_palette import LIGHT
from service.cli.report_text import Text
from service.cli.report_thumbnails import Thumbnails
from service.timeline.models import AnalysisResult, Person

PEOPLE = 12
"""People drawn in one PNG, at most: a taller picture cannot be looked at. The page has no such bound."""

_DPI = 150
_HEAD, _FOOT, _TITLE = 0.95, 0.85, 0.55
"""Inches."""


def write_png(stream: BinaryIO, result: AnalysisResult, thumbnails: Thumbnails, text: Text) -> None:
    """Draw the first PEOPLE people under one title."""
    shown = [person for person in result.people if person.timeline][:PEOPLE]
    heights = [_TITLE + (STRIP if _has_strip(person, thumbnails) else 0.0) + PANELS for person in shown]
    total = _HEAD + sum(heights) + _FOOT
    with drawing_settings("report"):
        figure = Figure(figsize=(WIDTH, total), facecolor=LIGHT.surface)
        rows = figure.add_gridspec(len(shown) + 2, 1, height_ratios=[_HEAD, *heights, _FOOT], hspace=0.0)
        parts = [figure.add_subfigure(rows[row], facecolor=LIGHT.surface) for row in range(len(shown) + 2)]
        parts[0].text(0.02, 0.66, text.title, fontsize=15, fontweight="bold", color=LIGHT.ink, va="center")
        parts[0].text(0.02, 0.28, text.media, fontsize=9.5, color=LIGHT.muted, va="center")
        for part, person, height in zip(parts[1:-1], shown, heights, strict=True):
            _draw_person(part, result, person, thumbnails, text, height)
        hidden = len(result.people) - len(shown)
        lines = [text.notice, text.model, *text.remarks]
        if hidden:
            lines.append(f"Not drawn: {hidden} of {len(result.people)} people (the report as a page has everyone).")
        parts[-1].text(0.02, 0.9, "\n".join(lines), fontsize=8, color=LIGHT.muted, va="top", linespacing=1.5)
        figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})


def _has_strip(person: Person, thumbnails: Thumbnails) -> bool:
    return any(owner == person.id for owner, _ in thumbnails)


def _draw_person(
    part: FigureBase, result: AnalysisResult, person: Person, thumbnails: Thumbnails, text: Text, height: float
) -> None:
    title, details = text.people[person.id]
    part.text(0.02, 1 - 0.12 / height, title, fontsize=11.5, fontweight="bold", color=LIGHT.ink, va="center")
    part.text(0.02, 1 - 0.36 / height, details, fontsize=9, color=LIGHT.muted, va="center")
    moments = attended_moments(person)
    strip = STRIP if _has_strip(person, thumbnails) else 0.0
    top = 1 - (_TITLE + strip + 0.3) / height
    axis = draw_panels(part, result, person, LIGHT, top=top, bottom=0.42 / height)
    if strip:
        side = THUMBNAIL * WIDTH
        upper = 1 - (_TITLE + 0.22) / height
        draw_strip(part, axis, moments, thumbnails, LIGHT, bottom=upper - side / height, top=upper)
    else:
        number_moments(axis, moments, LIGHT)
