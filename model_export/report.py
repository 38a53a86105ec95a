"""Scores as text, for people at a terminal."""

from typing import Any

from model_export.card import rows
from service.representation import LABELS


def as_text(report: dict[str, Any]) -> str:
    """Every set of scores of a report as `evaluate` makes it; confusion matrices of the whole parts alone."""
    return "\n".join(_block(name, scores) for name, scores in rows(report))


def _block(title: str, scores: dict[str, Any]) -> str:
    low, high = scores["interval"]
    error = "-" if scores["ece"] is None else f"{100 * scores['ece']:.1f}%"
    lines = [
        f"{title}: accuracy {100 * scores['accuracy']:.1f}% (95% interval {100 * low:.1f} to {100 * high:.1f}), "
        f"mean recall {100 * scores['mean_recall']:.1f}%, calibration error {error}, n = {scores['n']}",
        "  recall: " + ", ".join(f"{label} {100 * recall:.0f}%" for label, recall in scores["recall"].items()),
    ]
    if scores["without_evidence"]:
        lines.append(f"  without face and speech (counted as wrong): {scores['without_evidence']}")
    if ".corpora." not in title and ".genders." not in title:
        lines += [
            "  confusion (rows: labels; columns: answers, " + ", ".join(LABELS) + ")",
            *("    " + " ".join(f"{count:5d}" for count in row) for row in scores["confusion"]),
        ]
    return "\n".join(lines)
