"""The drawing of one person over time: one code for the SVG of a page and for a PNG.

Object-oriented matplotlib only: no pyplot, no figure outlives its report.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase
from matplotlib.patches import ConnectionPatch
from matplotlib.ticker import MaxNLocator
from PIL import Image

from service.cli.report_moments import Curves, Moment, attended_moments, curves, leading_label
from service.cli.report_palette import Palette
from service.cli.report_thumbnails import Thumbnails
from service.representation import LABELS, Label
from service.timeline.models import AnalysisResult, Person, Segment

WIDTH = 10.0
"""Inches."""
PANELS = 5.9
"""Inches: height of one person's panels."""
STRIP = 1.6
"""Inches: height of the strip of thumbnails."""
THUMBNAIL = 0.117
"""Width of a thumbnail, as a fraction of the width: MOMENTS of them stand side by side over the time axis."""

_LEFT, _RIGHT = 0.095, 0.83
"""Where the time axes begin and end, as fractions of the width."""
_RATIOS = (2.5, 0.42, *(0.42,) * len(LABELS), 0.62)
"""Heights of the rows: probabilities, a heading, one row for each emotion, speech and face."""
_SMALL, _NORMAL = 8.0, 9.0


@contextmanager
def drawing_settings(salt: str) -> Iterator[None]:
    """Settings under which the same result always gives the same bytes, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A file's name may have letters that the font lacks; they are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.family": "DejaVu Sans",
                "font.size": _NORMAL,
                "text.parse_math": False,
                "svg.fonttype": "none",
                "svg.hashsalt": salt,
                "axes.linewidth": 0.6,
                "path.simplify_threshold": 0.2,
            }
        )
        yield


def draw_panels(
    figure: FigureBase, result: AnalysisResult, person: Person, palette: Palette, *, top: float, bottom: float
) -> Axes:
    """Probabilities, seven attention curves, speech and face on one time axis. Returns the uppermost axes."""
    drawn = curves(person)
    grid = figure.add_gridspec(
        len(_RATIOS), 1, height_ratios=_RATIOS, left=_LEFT, right=_RIGHT, top=top, bottom=bottom, hspace=0.28
    )
    axes = [figure.add_subplot(grid[row]) for row in range(len(_RATIOS)) if row != 1]
    end = max(result.media.duration, float(drawn.time[-1]), 0.04)
    for axis in axes:
        axis.set_xlim(0.0, end)
        axis.set_facecolor("none")
        axis.tick_params(colors=palette.muted, labelsize=_SMALL, length=2.5, width=0.6, labelbottom=axis is axes[-1])
        for side in ("top", "right", "left"):
            axis.spines[side].set_visible(False)
        axis.spines["bottom"].set_color(palette.grid)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 2.5, 5, 10], min_n_ticks=2))
    leading = leading_label(person)
    _draw_probabilities(axes[0], drawn, person, leading, palette)
    for label, axis in zip(LABELS, axes[1:-1], strict=True):
        _draw_attention(axis, drawn, label, label == leading, palette)
    axes[1].set_title("Perception attention", loc="left", fontsize=_NORMAL, color=palette.ink, fontweight="bold", pad=5)
    axes[1].set_title(
        "weight of each moment for each emotion; peaks as multiples of even attention",
        loc="right", fontsize=_SMALL, color=palette.muted, pad=5,
    )  # fmt: skip
    _draw_evidence(axes[-1], drawn, result.speech.segments, palette)
    for moment in attended_moments(person):
        for axis in axes:
            axis.axvline(moment.time, color=palette.muted, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    return axes[0]


def _draw_probabilities(axis: Axes, drawn: Curves, person: Person, leading: Label | None, palette: Palette) -> None:
    axis.set_ylim(0.0, 1.0)
    axis.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0%", "", "50%", "", "100%"])
    axis.grid(axis="y", color=palette.grid, linewidth=0.6)
    axis.set_axisbelow(True)
    heading = axis.set_title("Probability", loc="left", fontsize=_NORMAL, color=palette.ink, fontweight="bold", pad=16)
    # A thumbnail's tie may pass behind it.
    heading.set_bbox({"facecolor": palette.surface, "edgecolor": "none", "pad": 1.5})
    overall = person.summary.probabilities or {}
    ranked = sorted(LABELS, key=lambda label: (-overall.get(label, 0.0), label))
    for label in reversed(ranked):
        strong = label == leading
        axis.plot(
            drawn.time,
            drawn.probabilities[label],
            color=palette.labels[label],
            linewidth=2.4 if strong else 1.3,
            zorder=4 if strong else 3,
            solid_joinstyle="round",
        )
    axis.text(1.03, 1.0, "whole recording", transform=axis.transAxes, fontsize=_SMALL, color=palette.muted, va="center")
    for row, label in enumerate(ranked):
        height = 0.865 - row * 0.135
        axis.plot(
            [1.032, 1.06], [height, height], transform=axis.transAxes, clip_on=False, linewidth=3.0,
            color=palette.labels[label],
        )  # fmt: skip
        text: dict[str, Any] = {"transform": axis.transAxes, "fontsize": _NORMAL, "color": palette.ink}
        text |= {"va": "center_baseline", "fontweight": "bold" if label == leading else "normal"}
        axis.text(1.075, height, label, **text)
        share = f"{overall.get(label, 0.0):.0%}"
        axis.text(1.225, height, share, ha="right", **text)


def _draw_attention(axis: Axes, drawn: Curves, label: Label, strong: bool, palette: Palette) -> None:
    values, colour = drawn.attention[label], palette.labels[label]
    time, height = drawn.peaks[label]
    axis.set_ylim(0.0, max(float(values.max()), 1e-9) * 1.08)
    axis.set_yticks([])
    axis.tick_params(axis="x", length=0)
    axis.fill_between(drawn.time, values, 0.0, color=colour, alpha=0.55 if strong else 0.3, linewidth=0)
    axis.plot(drawn.time, values, color=colour, linewidth=1.6 if strong else 1.0)
    weight = "bold" if strong else "normal"
    text: dict[str, Any] = {"transform": axis.transAxes, "va": "center_baseline"}
    axis.text(-0.012, 0.4, label, ha="right", fontsize=_NORMAL, color=palette.ink, fontweight=weight, **text)
    axis.text(1.032, 0.4, f"{height:.2f} × at {time:.2f} s", fontsize=_SMALL, color=palette.muted, **text)


def _draw_evidence(axis: Axes, drawn: Curves, speech: list[Segment], palette: Palette) -> None:
    axis.set_ylim(0.0, 2.0)
    axis.set_yticks([0.45, 1.45], ["face", "speech"])
    axis.tick_params(axis="y", length=0, pad=6.5, labelsize=_NORMAL, labelcolor=palette.ink)
    axis.set_xlabel("seconds", fontsize=_SMALL, color=palette.muted, labelpad=2)
    axis.broken_barh([(s.start, s.end - s.start) for s in speech], (1.12, 0.66), facecolor=palette.speech, linewidth=0)
    axis.broken_barh(_face_spans(drawn), (0.12, 0.66), facecolor=palette.face, linewidth=0)


def _face_spans(drawn: Curves) -> list[tuple[float, float]]:
    """(start, length) of each stretch with a face; a point stands until the next."""
    if len(drawn.time) < 2:
        return []
    spacing = float(np.median(np.diff(drawn.time)))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], drawn.face, [False]))))
    return [
        (float(drawn.time[first]), float(drawn.time[last - 1]) + spacing - float(drawn.time[first]))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def number_moments(axis: Axes, moments: list[Moment], palette: Palette) -> None:
    """Write the moments' numbers above the uppermost axes."""
    for moment in moments:
        axis.text(
            moment.time, 1.03, str(moment.number), transform=axis.get_xaxis_transform(), ha="center", va="bottom",
            fontsize=_SMALL, fontweight="bold", color=palette.ink,
        )  # fmt: skip


def draw_strip(
    figure: FigureBase, axis: Axes, moments: list[Moment], thumbnails: Thumbnails, palette: Palette,
    *, bottom: float, top: float,
) -> None:  # fmt: skip
    """Thumbnails above `axis`, each tied by a line to its time."""
    shown = [moment for moment in moments if (moment.person, moment.number) in thumbnails]
    begin, end = axis.get_xlim()
    lefts = side_by_side([(moment.time - begin) / (end - begin) for moment in shown])
    for left, moment in zip(lefts, shown, strict=True):
        frame = figure.add_axes((left, bottom, THUMBNAIL, top - bottom))
        picture = Image.open(io.BytesIO(thumbnails[moment.person, moment.number]))
        frame.imshow(np.asarray(picture), interpolation="antialiased")
        frame.set_xticks([])
        frame.set_yticks([])
        for spine in frame.spines.values():
            spine.set_color(palette.grid)
        frame.set_title(
            f"{moment.number} · {moment.time:.2f} s · {moment.weight:.2f} ×", fontsize=_SMALL, color=palette.ink, pad=4
        )
        tie = ConnectionPatch(
            (0.5, 0.0), (moment.time, 1.0), coordsA=frame.transAxes, coordsB=axis.get_xaxis_transform(),
            color=palette.muted, linewidth=0.7, linestyle=(0, (2, 2)), zorder=-1,
        )  # fmt: skip
        figure.add_artist(tie)


def side_by_side(places: list[float]) -> list[float]:
    """Left edges of thumbnails, as near above their `places` on the time axis (rising, 0 to 1) as there is room."""
    pitch = THUMBNAIL * 1.04
    lefts: list[float] = []
    for place in places:
        wished = _LEFT + place * (_RIGHT - _LEFT) - THUMBNAIL / 2
        lefts.append(max(wished, lefts[-1] + pitch if lefts else _LEFT))
    limit = _RIGHT - THUMBNAIL
    for index in reversed(range(len(lefts))):
        lefts[index] = min(lefts[index], limit)
        limit = lefts[index] - pitch
    return lefts


def panels_figure(result: AnalysisResult, person: Person, palette: Palette) -> Figure:
    """The panels alone, for a page that shows the thumbnails itself."""
    figure = Figure(figsize=(WIDTH, PANELS), facecolor="none")
    axis = draw_panels(figure, result, person, palette, top=0.925, bottom=0.075)
    number_moments(axis, attended_moments(person), palette)
    return figure
