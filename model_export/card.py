"""Puts the results of an evaluation into MODEL_CARD.md, between two markers."""

from typing import Any, Final

BEGIN: Final = "<!-- results: written by `python -m model_export card` -->"
END: Final = "<!-- end of results -->"


def fill_card(card: str, reports: dict[str, dict[str, Any]]) -> str:
    """`card` with a table for each report (title to nested scores as `evaluate` writes them) between the markers.

    Raises ValueError where `card` lacks the markers.
    """
    if BEGIN not in card or END not in card:
        raise ValueError("the card has no place for results")
    before, rest = card.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    parts = [_section(title, rows(report)) for title, report in reports.items()]
    return f"{before}{BEGIN}\n\n" + "\n".join(parts) + f"\n{END}{after}"


def rows(report: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every set of scores in a report with its dotted place."""
    found = [(path, report)] if "accuracy" in report else []
    for name, value in report.items():
        if isinstance(value, dict) and name not in ("recall", "model"):
            found += rows(value, f"{path}.{name}" if path else name)
    return found


def _section(title: str, scores: list[tuple[str, dict[str, Any]]]) -> str:
    lines = [
        f"### {title}",
        "",
        "| part | accuracy | 95% interval | mean recall | calibration error | uncertain | right when certain | n |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, score in scores:
        low, high = score["interval"]
        cells = [
            _percent(score["accuracy"]),
            f"{100 * low:.1f} to {_percent(high)}",
            *(_percent(score[key]) for key in ("mean_recall", "ece", "uncertain_share", "accuracy_when_certain")),
            str(score["n"]),
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "Recall by class:", "", "| part | " + " | ".join(_classes(scores)) + " |"]
    lines.append("| --- |" + " --- |" * len(_classes(scores)))
    for name, score in scores:
        recalls = [_percent(score["recall"].get(label)) for label in _classes(scores)]
        lines.append(f"| {name} | " + " | ".join(recalls) + " |")
    return "\n".join([*lines, ""])


def _classes(scores: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return sorted({label for _, score in scores for label in score["recall"]})


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"
