"""Figures for the documents, made from the scores of an evaluation and from the analysis of one sentence.

No picture and no sound of a recording is in any of them.
"""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model_export.card import rows
from service.analysis import Recording
from service.assets import face_detector_path
from service.cli.report_palette import LIGHT
from service.engine import Engine
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.representation import LABELS
from service.timeline import AnalysisResult

_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LIGHT.grid,
    "axes.labelcolor": LIGHT.ink,
    "text.color": LIGHT.ink,
    "xtick.color": LIGHT.muted,
    "ytick.color": LIGHT.muted,
    "svg.hashsalt": "attune",  # the same scores make the same file
    "svg.fonttype": "none",
}


def draw_scores(report: dict[str, Any], out: Path) -> list[Path]:
    """A confusion matrix and a reliability diagram for each whole part of a report that `evaluate --json` wrote; the
    files, in the folder `out`. Raises ValueError for a report without scores."""
    parts = [(name, scores) for name, scores in rows(report) if ".corpora." not in name and ".genders." not in name]
    if not parts:
        raise ValueError("the report holds no scores")
    files = []
    with mpl.rc_context(_STYLE):
        for name, scores in parts:
            figure = Figure((8.4, 4.0), layout="constrained")
            left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
            _confusion(left, np.array(scores["confusion"]))
            _reliability(right, scores)
            low, high = scores["interval"]
            figure.suptitle(
                f"{name}: {100 * scores['accuracy']:.1f}% of {scores['n']} right "
                f"(95% interval {100 * low:.1f} to {100 * high:.1f}%)"
            )
            files.append(_save(figure, out / f"scores_{name.replace('.', '_')}.svg"))
    return files


def draw_attention(result: AnalysisResult, out: Path) -> Path:
    """What the person followed longest expresses over time, which moments matter for each emotion (perception
    attention), and how far back the sound lies that each step leans on (temporal alignment); the file, in `out`.

    Raises ValueError for a result without people.
    """
    if not result.people:
        raise ValueError("nobody is seen or heard in the recording")
    person = max(result.people, key=lambda one: len(one.timeline))
    times = [step.time for step in person.timeline]
    with mpl.rc_context(_STYLE):
        figure = Figure((8.4, 6.6), layout="constrained")
        above, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(1, 1.1, 0.55))
        for label in LABELS:
            above.plot(times, [step.probabilities[label] for step in person.timeline], color=LIGHT.labels[label])
        above.set_ylabel("probability, last seconds")
        above.set_ylim(0, 1)
        for place, label in enumerate(LABELS):
            weights = np.array(person.attention[label])
            middle.fill_between(times, place, place - 0.9 * weights / weights.max(), color=LIGHT.labels[label], lw=0)
        middle.set_yticks([place - 0.4 for place in range(len(LABELS))], LABELS)
        middle.invert_yaxis()
        middle.set_ylabel("perception attention")
        heard = [(time, step) for time, step in zip(times, person.alignment, strict=True) if step is not None]
        below.scatter(
            [time for time, _ in heard],
            [step.lag for _, step in heard],
            [40 * step.weight for _, step in heard],
            color=LIGHT.speech,
            lw=0,
        )
        below.set_ylabel("aligned sound,\nseconds back")
        below.set_xlabel("seconds")
        for axes in (above, middle, below):
            for segment in result.speech.segments:
                axes.axvspan(segment.start, segment.end, color=LIGHT.panel, lw=0, zorder=0)
        figure.suptitle(
            f"{len(times)} steps of one person; shaded: speech; each emotion's attention has a scale of its own"
        )
        return _save(figure, out / "attention.svg")


def draw_ablation(report: dict[str, Any], file: Path) -> Path:
    """Accuracy of each network that `ablate` compared, by sound, picture and both, with its interval over seeds."""
    colours = {"audio": LIGHT.speech, "video": LIGHT.labels["happy"], "both": LIGHT.labels["sad"]}
    with mpl.rc_context(_STYLE):
        figure = Figure((8.4, 3.4), layout="constrained")
        axes = figure.subplots()
        for place, (way, colour) in enumerate(colours.items()):
            axes.errorbar(
                [100 * ways[way]["mean"] for ways in report.values()],
                [row + 0.2 * (place - 1) for row in range(len(report))],
                xerr=[100 * ways[way]["interval"] for ways in report.values()],
                fmt="o",
                color=colour,
                label=way,
            )
        axes.set_yticks(range(len(report)), list(report))
        axes.invert_yaxis()
        axes.set_xlabel("accuracy in percent, mean and 95% interval over seeds")
        axes.legend(frameon=False)
        return _save(figure, file)


def analyse(recording: Path) -> AnalysisResult:
    """The whole recording through the service's own pipeline, its largest face."""
    analysis = Recording(Engine.load(provider="cpu"))
    with (
        FaceDetector(face_detector_path()) as detector,
        recording.open("rb") as source,
        decode(source) as media,
    ):
        analysis.push(list(perceive(media, detector, faces="largest")))
        return analysis.finish(media.info)


def _confusion(axes: Axes, counts: "np.ndarray[Any, np.dtype[np.int64]]") -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            colour = "white" if shares[row, column] > 0.55 else LIGHT.ink
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=40, ha="right")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set_xlabel("answered")
    axes.set_ylabel("labelled")
    axes.spines[:].set_visible(False)


def _reliability(axes: Axes, scores: dict[str, Any]) -> None:
    bins = scores["reliability"]
    axes.plot([0, 1], [0, 1], color=LIGHT.muted, lw=1, ls=":")
    axes.bar(
        [one["from"] for one in bins],
        [one["accuracy"] for one in bins],
        [one["to"] - one["from"] for one in bins],
        align="edge",
        color=LIGHT.labels["sad"],
        alpha=0.3,
        edgecolor=LIGHT.labels["sad"],
    )
    axes.plot(
        [one["confidence"] for one in bins], [one["accuracy"] for one in bins], "o", color=LIGHT.labels["sad"], ms=4
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share right")
    if scores["ece"] is not None:
        axes.set_title(f"calibration error {100 * scores['ece']:.1f}%", fontsize=9, color=LIGHT.muted)


def _save(figure: Figure, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None, "Creator": None})
    return file
