"""The moments that a report shows: where the attention for the expressed emotion is greatest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.representation import STEP_RATE, Label
from service.timeline.models import BoxModel, Person

MOMENTS = 6
"""Thumbnails for one person, at most."""

NEAREST = 0.32
"""Seconds between two of them, at least: closer ones show the same face twice."""

COLUMNS = 1500
"""Points of a drawn curve, at most: more than a screen has columns makes a file large and shows nothing."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One attended moment of one person."""

    person: int
    number: int
    """From 1, in order of time."""
    step: int
    """Of the 25 Hz grid."""
    time: float
    """Seconds."""
    weight: float
    """Attention as a multiple of the same attention spread evenly over the timeline."""
    box: BoxModel


@dataclass(frozen=True, slots=True)
class Curves:
    """What is drawn over time for one person; every array is [points]."""

    time: NDArray[np.float64]
    """Seconds."""
    probabilities: dict[Label, NDArray[np.float64]]
    attention: dict[Label, NDArray[np.float64]]
    """As multiples of even attention."""
    peaks: dict[Label, tuple[float, float]]
    """Time and height of each attention curve's greatest value."""
    face: NDArray[np.bool_]
    merged: int
    """Timeline steps that each point is the mean of."""


def leading_label(person: Person) -> Label | None:
    """The most probable label: the expressed emotion, also where it is too uncertain to be named. None without any."""
    probabilities = person.summary.probabilities
    return max(probabilities.items(), key=lambda item: item[1])[0] if probabilities else None


def even_multiples(weights: Sequence[float]) -> NDArray[np.float64]:
    """Weights that sum to 1, as multiples of the even weight 1/n."""
    values = np.asarray(weights, dtype=np.float64)
    return values * len(values)


def attended_moments(person: Person, count: int = MOMENTS) -> list[Moment]:
    """At most `count` moments with a face, well apart, of the leading emotion's greatest attention, in order of time.

    Beyond the first, a moment below even attention is left out: it did not matter more than any other.
    """
    label = leading_label(person)
    if label is None or not person.timeline:
        return []
    weights = even_multiples(person.attention[label])
    span = person.timeline[-1].time - person.timeline[0].time
    apart = max(NEAREST, span / (2 * count))
    chosen: list[int] = []
    for index in np.argsort(-weights, kind="stable").tolist():
        if len(chosen) == count or (chosen and weights[index] < 1):
            break
        step = person.timeline[index]
        if step.box is not None and all(abs(step.time - person.timeline[other].time) >= apart for other in chosen):
            chosen.append(index)
    moments = []
    for number, index in enumerate(sorted(chosen), start=1):
        step = person.timeline[index]
        assert step.box is not None  # noqa: S101  (chosen above because it has one)  # nosec B101
        grid_step = round(step.time * STEP_RATE)
        moments.append(Moment(person.id, number, grid_step, step.time, float(weights[index]), step.box))
    return moments


def curves(person: Person, columns: int = COLUMNS) -> Curves:
    """The curves of a person with a timeline, merged to at most `columns` points by the mean of neighbours."""
    steps = person.timeline
    merged = -(-len(steps) // columns)
    multiples = {label: even_multiples(weights) for label, weights in person.attention.items()}
    time = np.array([step.time for step in steps])
    return Curves(
        time=_merge(time, merged),
        probabilities={
            label: _merge(np.array([step.probabilities[label] for step in steps]), merged) for label in person.attention
        },
        attention={label: _merge(values, merged) for label, values in multiples.items()},
        peaks={label: (float(time[values.argmax()]), float(values.max())) for label, values in multiples.items()},
        face=_merge(np.array([step.box is not None for step in steps], dtype=np.float64), merged) >= 0.5,
        merged=merged,
    )


def _merge(values: NDArray[np.float64], merged: int) -> NDArray[np.float64]:
    starts = np.arange(0, len(values), merged)
    sums: NDArray[np.float64] = np.add.reduceat(values, starts)
    return sums / np.diff(np.append(starts, len(values)))
