"""One step as a caller gets it."""

from array import array

import numpy as np
import pytest

from service.domain import Measurement
from service.timeline.models import TimelineStep
from service.timeline.steps import AUDIO, SPEECH, VIDEO, alignment_step, flags_of, step_fields, summarise


def _flags(*, speech: bool = False, audio: bool = False, video: bool = False, speaking: bool | None = None) -> int:
    nothing = np.zeros(7, np.float32)
    return flags_of(Measurement(1, 0, None, nothing, nothing, nothing, None, speech, audio, video, speaking))


@pytest.mark.parametrize("speaking", [True, False, None])
@pytest.mark.parametrize("speech", [True, False])
@pytest.mark.parametrize("video", [True, False])
def test_flags_keep_what_a_step_says(speaking: bool | None, speech: bool, video: bool) -> None:
    flags = _flags(speech=speech, video=video, speaking=speaking)
    step = TimelineStep(**step_fields(50, flags, array("f", [0.1, 0.2, 0.3, 0.4]), [1 / 7] * 7))
    assert (step.time, step.speech, step.speaking) == (2.0, speech, speaking)
    assert step.modalities == (["video"] if video else [])
    assert (step.box is not None) == video


def test_numbers_are_rounded_for_people_to_read() -> None:
    fields = step_fields(1, VIDEO, array("f", [0.1, 0.2, 0.3, 0.4]), array("f", [1 / 7] * 7))
    assert fields["box"] is not None
    assert fields["box"].model_dump() == {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
    assert set(fields["probabilities"].values()) == {0.142857}
    found = alignment_step(AUDIO, *array("f", [0.04, 1.0000001]))
    assert found is not None
    assert (found.lag, found.weight) == (0.04, 1.0)


def test_without_sound_as_evidence_there_is_no_alignment() -> None:
    assert alignment_step(SPEECH | VIDEO, 0.0, 0.5) is None


def test_a_summary_without_evidence_is_null_with_the_reason() -> None:
    assert summarise(np.zeros(7, np.float32), SPEECH, 0.5).model_dump() == {
        "expressed": None,
        "reason": "no_evidence",
        "probabilities": None,
        "confidence": None,
        "modalities": [],
    }


def test_a_summary_below_the_threshold_is_uncertain() -> None:
    overall = np.full(7, 1 / 7, np.float32)
    summary = summarise(overall, VIDEO, 0.5)
    assert (summary.expressed, summary.reason) == ("uncertain", "low_confidence")
    assert summary.probabilities is not None
