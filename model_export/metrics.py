"""Scores of predicted distributions against labels, with intervals."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from service.representation import LABELS

_BINS: Final = 15
_Z: Final = 1.959964
"""Two-sided 95 % of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Distributions float [N, 7] and labels [N]; a row without evidence is NaN and counts as wrong."""

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]

    def where(self, rows: NDArray[np.bool_]) -> "Predictions":
        """Some of the rows."""
        return Predictions(self.probabilities[rows], self.labels[rows])


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927)."""
    share, square = right / count, _Z**2 / count
    centre = (share + square / 2) / (1 + square)
    half = _Z * np.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Answers in 15 bins of equal width by their confidence, those without answers left out: `from` and `to` of the
    bin, mean `confidence`, `accuracy`, and `n`."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return [
        {
            "from": float(number / _BINS),
            "to": float((number + 1) / _BINS),
            "confidence": float(confidence[bins == number].mean()),
            "accuracy": float(right[bins == number].mean()),
            "n": int((bins == number).sum()),
        }
        for number in np.unique(bins)
    ]


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Expected calibration error over the bins of `reliability` (Guo et al. 2017, arXiv 1706.04599)."""
    bins = reliability(confidence, right)
    return sum(abs(one["confidence"] - one["accuracy"]) * one["n"] for one in bins) / len(confidence)


def score(predictions: Predictions, uncertain_below: float) -> dict[str, Any]:
    """Accuracy with its 95 % interval, mean and per-class recall, confusion matrix (rows: labels), calibration error
    and what it is made of, and what `uncertain` does: the share of answers withheld and the accuracy of the others.

    Raises ValueError where there is nothing to score.
    """
    labels, known = predictions.labels, ~np.isnan(predictions.probabilities).any(axis=1)
    answers = np.where(known, np.nan_to_num(predictions.probabilities).argmax(axis=1), -1)
    right, count = answers == labels, len(labels)
    if count == 0:
        raise ValueError("nothing to score")
    present = [index for index in range(len(LABELS)) if (labels == index).any()]
    recalls = {LABELS[index]: float(right[labels == index].mean()) for index in present}
    matrix = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(matrix, (labels[known], answers[known]), 1)
    confidence = predictions.probabilities[known].max(axis=1)
    sure = confidence >= uncertain_below
    return {
        "accuracy": float(right.mean()),
        "interval": list(wilson_interval(int(right.sum()), count)),
        "mean_recall": float(np.mean(list(recalls.values()))),
        "recall": recalls,
        "n": count,
        "without_evidence": int((~known).sum()),
        "ece": calibration_error(confidence, right[known]) if known.any() else None,
        "uncertain_share": float(1 - sure.mean()) if known.any() else None,
        "accuracy_when_certain": float(right[known][sure].mean()) if sure.any() else None,
        "confusion": matrix.tolist(),
        "reliability": reliability(confidence, right[known]),
    }
