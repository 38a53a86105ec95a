"""Hand-made results for what only shows or writes them."""

import math
from collections.abc import Callable, Sequence

import pytest

from service.representation import LABELS, STEP_RATE, Label
from service.timeline.models import (
    AlignmentStep,
    AnalysisResult,
    BoxModel,
    MediaReport,
    Modality,
    ModelInfo,
    Person,
    Segment,
    SpeechReport,
    Summary,
    TimelineStep,
)

MakePerson = Callable[..., Person]
MakeResult = Callable[..., AnalysisResult]


def _probabilities(time: float, favoured: str) -> dict[Label, float]:
    scores = [
        math.sin(time * (0.7 + 0.3 * i) + i) + (2.0 if label == favoured else 0.0) for i, label in enumerate(LABELS)
    ]
    total = sum(map(math.exp, scores))
    return {label: math.exp(score) / total for label, score in zip(LABELS, scores, strict=True)}


@pytest.fixture(scope="session")
def make_person() -> MakePerson:
    """A person of `seconds` at 25 Hz, whose attention for each label peaks at its own moment."""

    def make(
        number: int = 1,
        seconds: float = 4.0,
        *,
        expressed: str | None = "happy",
        face: bool = True,
        voice: bool = True,
        start: float = 0.4,
    ) -> Person:
        pairs: tuple[tuple[Modality, bool], ...] = (("audio", voice), ("video", face))
        evidence = [name for name, there in pairs if there]
        if expressed is None:
            summary = Summary(expressed=None, reason="no_evidence", probabilities=None, confidence=None, modalities=[])
            empty: dict[Label, Sequence[float]] = {label: [] for label in LABELS}
            return Person(id=number, summary=summary, timeline=[], attention=empty, alignment=[])
        first = round(start * STEP_RATE)
        times = [k / STEP_RATE for k in range(first, round(seconds * STEP_RATE))]
        box = BoxModel(x=0.3, y=0.2, width=0.2, height=0.35) if face else None
        timeline = [
            TimelineStep(
                time=time,
                box=None if k % 40 in (7, 8, 9) else box,
                probabilities=_probabilities(time, expressed),
                speech=voice and 1.0 <= time < 3.0,
                speaking=None,
                modalities=evidence,
            )
            for k, time in enumerate(times)
        ]
        attention: dict[Label, Sequence[float]] = {}
        for i, label in enumerate(LABELS):
            middle = times[0] + (i + 1) / (len(LABELS) + 1) * (times[-1] - times[0])
            weights = [0.1 + math.exp(-((time - middle) ** 2) / 0.02) for time in times]
            attention[label] = [weight / sum(weights) for weight in weights]
        return Person(
            id=number,
            summary=Summary(
                expressed=expressed,  # type: ignore[arg-type]
                reason="low_confidence" if expressed == "uncertain" else None,
                probabilities=_probabilities(1.0, expressed),
                confidence=0.71,
                modalities=evidence,
            ),
            timeline=timeline,
            attention=attention,
            alignment=[AlignmentStep(lag=0.12, weight=0.3) if voice else None for _ in timeline],
        )

    return make


@pytest.fixture(scope="session")
def make_result() -> MakeResult:
    """A recording with the people given."""

    def make(*people: Person, seconds: float = 4.0, has_video: bool = True, has_audio: bool = True) -> AnalysisResult:
        return AnalysisResult(
            model=ModelInfo(name="attune-test", version="1.2.3", provider="cpu"),
            media=MediaReport(
                duration=seconds,
                frames=round(seconds * 30) if has_video else 0,
                width=1280 if has_video else 0,
                height=720 if has_video else 0,
                has_audio=has_audio,
                has_video=has_video,
            ),
            speech=SpeechReport(segments=[Segment(start=1.0, end=3.0)] if has_audio else []),
            people=list(people),
        )

    return make
