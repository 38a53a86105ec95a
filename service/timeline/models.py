"""The result of an analysis as a caller gets it. No field is ever omitted.

Times are seconds from the start of the media, probabilities are floats that sum to 1 over the seven labels,
boxes are fractions of the picture.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.domain import Provider
from service.representation import Label
from service.timeline.rows import BY_ROW

Modality = Literal["audio", "video"]
Reason = Literal["no_evidence", "low_confidence"]

Seconds = Annotated[float, Field(ge=0, description="Seconds from the start of the media.")]
Probabilities = Annotated[
    dict[Label, float], Field(description="Probability of each expressed emotion; all seven, summing to 1.")
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelInfo(_Model):
    """The model that gave the numbers."""

    name: str = Field(description="Name of the model.")
    version: str = Field(description="Version of the weights.")
    provider: Provider = Field(description="Execution provider that ran the model.")


class MediaReport(_Model):
    """What the container held."""

    duration: float = Field(ge=0, description="Seconds from the start of the media to the end of its longest stream.")
    frames: int = Field(ge=0, description="Pictures decoded.")
    width: int = Field(ge=0, description="Pixels, upright; 0 without video.")
    height: int = Field(ge=0, description="Pixels, upright; 0 without video.")
    has_audio: bool = Field(description="Whether there is a sound track.")
    has_video: bool = Field(description="Whether there are pictures.")


class Segment(_Model):
    """A stretch of speech."""

    start: Seconds
    end: Seconds


class SpeechReport(_Model):
    """Where there is speech, whoever speaks."""

    segments: list[Segment] = Field(description="In order, without overlap; empty without speech.")


class BoxModel(_Model):
    """A face, as fractions of the picture's width and height; may reach beyond its edges."""

    x: float = Field(description="Left edge, as a fraction of the picture's width.")
    y: float = Field(description="Upper edge, as a fraction of the picture's height.")
    width: float = Field(description="As a fraction of the picture's width.")
    height: float = Field(description="As a fraction of the picture's height.")


class TimelineStep(_Model):
    """The emotion a person expresses around one moment."""

    time: Seconds
    box: BoxModel | None = Field(description="Where the face is; null where none is on show.")
    probabilities: Probabilities
    speech: bool = Field(description="Whether there is speech at this step.")
    speaking: bool | None = Field(
        description="With several faces on show, whether the speech of this step is taken for this person's: by the "
        "mouth that moves with it. False: for another's, and this step leans on the picture alone. Null: no speech, "
        "nobody else on show, or undecided; then speech counts for everyone on show."
    )
    modalities: list[Modality] = Field(
        description="The evidence at this step: a face (video), speech within the last second (audio)."
    )


class AlignmentStep(_Model):
    """The sound that one timeline step leaned on most (the paper's temporal alignment)."""

    lag: float = Field(ge=0, description="Seconds before the step at which that sound ended; 0 is the newest.")
    weight: float = Field(ge=0, le=1, description="Share of the step's attention to sound that it got.")


class Summary(_Model):
    """The emotion a person expresses over the whole recording."""

    expressed: Label | Literal["uncertain"] | None = Field(
        description="The expressed emotion; `uncertain` below the model's threshold; null without evidence."
    )
    reason: Reason | None = Field(description="Why `expressed` is no label; null where it is one.")
    probabilities: Probabilities | None = Field(description="Null without evidence.")
    confidence: float | None = Field(
        ge=0,
        le=1,
        description="The model's probability of the most probable label, calibrated on acted sentences; null without "
        "evidence.",
    )
    modalities: list[Modality] = Field(description="The evidence met anywhere in the recording.")


class Person(_Model):
    """One person: a face kept through the recording, or the voice where no face was ever seen."""

    id: int = Field(ge=1, description="From 1, in order of first appearance.")
    summary: Summary = Field(description="The whole recording in one.")
    timeline: Annotated[Sequence[TimelineStep], BY_ROW] = Field(
        description="From the first evidence of this person on."
    )
    attention: dict[Label, Annotated[Sequence[float], BY_ROW]] = Field(
        description="Per emotion, one weight for each timeline step, summing to 1 over the recording: "
        "the moments that mattered for that emotion (the paper's perception attention)."
    )
    alignment: Annotated[Sequence[AlignmentStep | None], BY_ROW] = Field(
        description="One entry for each timeline step; null where there was no speech within the last second."
    )


class AnalysisResult(_Model):
    """All that is known of one recording."""

    model: ModelInfo = Field(description="What gave the numbers.")
    media: MediaReport = Field(description="The container and what was in it.")
    speech: SpeechReport = Field(description="The stretches of speech.")
    people: list[Person] = Field(description="In order of first appearance; empty without face and speech.")
