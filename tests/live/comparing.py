"""Comparing what two ways of sending the same media gave."""

from typing import Any

import numpy as np
import pytest

from service.representation import LABELS

Row = dict[str, Any]


def steps_of_upload(result: dict[str, Any]) -> dict[tuple[int, float], Row]:
    """An upload's timeline by person and time."""
    return {(person["id"], step["time"]): step for person in result["people"] for step in person["timeline"]}


def steps_of_stream(measurements: list[Row]) -> dict[tuple[int, float], Row]:
    """A session's measurements by person and time; none may come twice."""
    rows = {(row["id"], row["time"]): row for row in measurements}
    assert len(rows) == len(measurements), "a measurement came twice"
    return rows


def assert_same_steps(found: dict[tuple[int, float], Row], wanted: dict[tuple[int, float], Row], within: float) -> None:
    """The same people at the same media times with the same numbers."""
    assert list(found) == sorted(found, key=lambda key: (key[1], key[0])) or set(found) == set(wanted)
    assert set(found) == set(wanted)
    for key, row in wanted.items():
        assert found[key]["speech"] == row["speech"], key
        assert found[key]["speaking"] == row["speaking"], key
        assert found[key]["modalities"] == row["modalities"], key
        assert (found[key]["box"] is None) == (row["box"] is None), key
        if row["box"] is not None:
            assert found[key]["box"] == pytest.approx(row["box"], abs=2e-5), key
    keys = list(wanted)
    if keys:
        difference = np.abs(_probabilities(found, keys) - _probabilities(wanted, keys)).max()
        assert difference <= within, f"probabilities differ by {difference}"


def assert_same_alignments(found: list[Row | None], wanted: list[Row | None], within: float) -> None:
    """The same lags, and weights within rounding."""
    assert [one is None for one in found] == [one is None for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        if one is not None and other is not None:
            assert one["weight"] == pytest.approx(other["weight"], abs=within)
            assert one["lag"] == other["lag"]


def assert_same_summaries(found: list[Row], wanted: list[Row], within: float) -> None:
    """People in the same order with the same summaries."""
    assert [person["id"] for person in found] == [person["id"] for person in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one["summary"]["expressed"] == other["summary"]["expressed"]
        assert one["summary"]["modalities"] == other["summary"]["modalities"]
        assert one["summary"]["probabilities"] == pytest.approx(other["summary"]["probabilities"], abs=within)


def attention(measurements: list[Row], summary: Row, person: int) -> np.ndarray:
    """Attention of one person [n, 7] by the protocol's formula: exp(s - m) / l, nothing without evidence."""
    [one] = [one for one in summary["people"] if one["id"] == person]
    rows = [row for row in measurements if row["id"] == person]
    m, l = (np.array([one["normaliser"][label][name] for label in LABELS]) for name in "ml")  # noqa: E741
    scores = np.array([[row["scores"][label] for label in LABELS] for row in rows])
    evident = np.array([bool(row["modalities"]) for row in rows])
    return np.where(evident[:, None], np.exp(scores - m) / l, 0.0)


def _probabilities(rows: dict[tuple[int, float], Row], keys: list[tuple[int, float]]) -> np.ndarray:
    return np.array([[rows[key]["probabilities"][label] for label in LABELS] for key in keys])
