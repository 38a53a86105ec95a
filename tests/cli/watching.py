"""Hand-made messages of a session."""

from service.protocol.messages import Measurement, SessionMedia, SessionPerson, SessionSpeech, SessionSummary
from service.representation import LABELS, Label
from service.timeline.models import ModelInfo, Summary


def measurement(
    time: float,
    person: int = 1,
    *,
    scores: float | None = 0.0,
    evident: bool = True,
    leading: Label = "happy",
    speaking: bool | None = None,
    delay: float | None = 0.08,
) -> Measurement:
    """A step in which `leading` has 0.7 and every emotion the same score."""
    return Measurement(
        id=person,
        time=time,
        box=None,
        probabilities={label: 0.7 if label == leading else 0.05 for label in LABELS},
        speech=True,
        speaking=speaking,
        modalities=["video"] if evident else [],
        scores=None if scores is None else dict.fromkeys(LABELS, scores),
        alignment=None,
        delay=delay,
    )


def summary(*people: int) -> SessionSummary:
    """A session of ten seconds in which everyone expressed happiness."""
    one = Summary(
        expressed="happy",
        reason=None,
        probabilities={label: 0.7 if label == "happy" else 0.05 for label in LABELS},
        confidence=0.7,
        modalities=["audio", "video"],
    )
    return SessionSummary(
        model=ModelInfo(name="attune-test", version="1", provider="cpu"),
        media=SessionMedia(
            duration=10,
            frames=300,
            measured=240,
            off_grid=50,
            dropped={"late": 10},
            width=640,
            height=480,
            has_audio=True,
            has_video=True,
        ),
        speech=SessionSpeech(seconds=6.3),
        people=[SessionPerson(id=number, summary=one, normaliser=None, baseline=None) for number in people],
    )
