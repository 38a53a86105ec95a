"""One step of one person as a caller gets it: the rounding and the names that uploads and sessions share."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from service.domain import Alignment, Box, Measurement
from service.representation import LABELS, STEP_RATE, Label
from service.timeline.models import AlignmentStep, BoxModel, Modality, Summary

SPEECH, AUDIO, VIDEO, SPEAKING, SILENT = 1, 2, 4, 8, 16
"""Bits of a step's flags: speech; sound, a face as evidence; the speech is this person's, another's."""

EVIDENCE = AUDIO | VIDEO


def flags_of(measurement: Measurement) -> int:
    """What a measurement says with yes and no, in bits."""
    return (
        SPEECH * measurement.speech
        | AUDIO * measurement.audio
        | VIDEO * measurement.video
        | SPEAKING * (measurement.speaking is True)
        | SILENT * (measurement.speaking is False)
    )


class StepFields(TypedDict):
    """The fields of a `TimelineStep`."""

    time: float
    box: BoxModel | None
    probabilities: dict[Label, float]
    speech: bool
    speaking: bool | None
    modalities: list[Modality]


def step_fields(step: int, flags: int, box: Sequence[float], probabilities: Sequence[float]) -> StepFields:
    """`box` is x, y, width, height, not read without a face; `probabilities` are seven. Both are fp32 numbers, so that
    what was kept as such and what was not round alike."""
    return StepFields(
        time=step / STEP_RATE,
        box=_box(*box) if flags & VIDEO else None,
        probabilities=by_label(probabilities),
        speech=bool(flags & SPEECH),
        speaking=bool(flags & SPEAKING) if flags & (SPEAKING | SILENT) else None,
        modalities=modalities(flags),
    )


def alignment_step(flags: int, lag: float, weight: float) -> AlignmentStep | None:
    """`lag` and `weight` are fp32 numbers, not read without sound as evidence."""
    return AlignmentStep(lag=round(lag, 2), weight=min(round(weight, 6), 1.0)) if flags & AUDIO else None


def box_numbers(box: Box | None) -> Sequence[float]:
    """x, y, width, height; not numbers where there is no face."""
    return (box.x, box.y, box.width, box.height) if box is not None else (float("nan"),) * 4


def alignment_numbers(alignment: Alignment | None) -> tuple[float, float]:
    """Lag and weight; 0 without any."""
    return (alignment.lag, alignment.weight) if alignment is not None else (0.0, 0.0)


def summarise(overall: NDArray[np.floating], flags: int, uncertain_below: float) -> Summary:
    """What a person expresses by the `overall` probabilities [7]; `flags` of all steps, or'ed, name the evidence, and
    without any there is no label."""
    if not flags & EVIDENCE:
        return Summary(expressed=None, reason="no_evidence", probabilities=None, confidence=None, modalities=[])
    top = int(overall.argmax())
    confidence = min(round(float(overall[top]), 6), 1.0)
    certain = confidence >= uncertain_below
    return Summary(
        expressed=LABELS[top] if certain else "uncertain",
        reason=None if certain else "low_confidence",
        probabilities=by_label(overall.tolist()),
        confidence=confidence,
        modalities=modalities(flags),
    )


def by_label(values: Sequence[float]) -> dict[Label, float]:
    """Seven numbers under the names of the emotions, rounded to six places."""
    return {label: round(value, 6) for label, value in zip(LABELS, values, strict=True)}


def modalities(flags: int) -> list[Modality]:
    """The evidence that `flags` name."""
    found: list[Modality] = []
    if flags & AUDIO:
        found.append("audio")
    if flags & VIDEO:
        found.append("video")
    return found


def _box(x: float, y: float, width: float, height: float) -> BoxModel:
    return BoxModel(x=round(x, 5), y=round(y, 5), width=round(width, 5), height=round(height, 5))
