"""The JSON text messages of `attune.v1`; docs/streaming.md tells their order, docs/asyncapi.yaml repeats their schemas.

Times are seconds from the start of the media, probabilities sum to 1 over the seven labels, boxes are fractions of the
picture. Every server field is always there; a client's field left out keeps its default.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from service.domain import FaceChoice
from service.representation import DEFAULT_HORIZON, MIN_HORIZON, Label
from service.timeline.models import AlignmentStep, ModelInfo, Seconds, Summary, TimelineStep

SUBPROTOCOL: Final = "attune.v1"
"""The WebSocket subprotocol, and with it the version."""

Input = Literal["container", "frames"]
Late = Literal["wait", "drop"]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SessionConfig(_Message):
    """How a session works. The defaults are those of an upload."""

    input: Input = Field(
        default="container",
        description="`container`: binary messages are consecutive chunks of one recording, cut anywhere; `frames`: "
        "each is one picture or one run of samples behind a header.",
    )
    faces: FaceChoice = Field(
        default="all", description="Which faces become people: every one, or at each step the largest."
    )
    interval: float = Field(
        default=0,
        ge=0,
        le=60,
        allow_inf_nan=False,
        description="Seconds of media for each result: the first step in each such interval is reported; 0: all.",
    )
    attention: bool = Field(default=True, description="Whether measurements carry the attention scores.")
    alignment: bool = Field(default=True, description="Whether measurements carry the alignment.")
    horizon: float | None = Field(
        default=DEFAULT_HORIZON,
        ge=MIN_HORIZON,
        allow_inf_nan=False,
        description="Seconds of media after which a past step weighs 1/e in measurements; null forgets nothing.",
    )
    baseline: str | None = Field(
        default=None,
        max_length=4096,
        description="Personal baseline: null for none, `learn` to learn each person's and hand it out in the summary, "
        "or a baseline handed out before, which person 1 is then measured against.",
    )
    late: Late = Field(
        default="wait",
        description="`wait`: the server reads no further while it is behind, nothing is dropped; `drop`: pictures that "
        "waited longer than `max_delay` are decoded but not measured. Sound is never dropped.",
    )
    max_delay: float = Field(
        default=0.5, gt=0, le=60, allow_inf_nan=False, description="Seconds a picture may wait where `late` is `drop`."
    )


# From the client


class SessionUpdate(SessionConfig):
    """Sets the session up; at most once, before the first binary message."""

    type: Literal["session.update"] = "session.update"


class SessionResume(_Message):
    """Goes on where a checkpoint was taken; in place of `session.update`, as the first message."""

    type: Literal["session.resume"] = "session.resume"
    token: str = Field(
        max_length=8 << 20, description="The token of a `session.checkpoint`, of this or another server."
    )


class SessionClose(_Message):
    """The media ends here; what is left is measured, then the summary comes."""

    type: Literal["session.close"] = "session.close"


class KeepAlive(_Message):
    """Keeps a session without media open; answered with the same."""

    type: Literal["keepalive"] = "keepalive"


ClientMessage = Annotated[SessionUpdate | SessionResume | SessionClose | KeepAlive, Field(discriminator="type")]

# From the server


class SessionLimits(_Message):
    """What a session may use."""

    max_message_bytes: int = Field(description="Bytes of one WebSocket message.")
    max_duration: float = Field(description="Seconds of media.")
    max_pixels: int = Field(description="Pixels (width times height) of one picture.")
    max_frame_rate: float = Field(description="Pictures per second of media.")
    idle_timeout: float = Field(description="Seconds without any message from the client after which it is closed.")


class SessionCreated(_Message):
    """The first message of the server."""

    type: Literal["session.created"] = "session.created"
    session: str = Field(description="Name of the session, for logs.")
    model: ModelInfo = Field(description="What gives the numbers.")
    defaults: SessionConfig = Field(description="What holds without `session.update`.")
    limits: SessionLimits = Field(description="What a session may use.")


class SessionUpdated(_Message):
    """What holds after `session.update`."""

    type: Literal["session.updated"] = "session.updated"
    config: SessionConfig = Field(description="How this session works.")


class SessionResumed(_Message):
    """The token is accepted; the media is expected from where its checkpoint said."""

    type: Literal["session.resumed"] = "session.resumed"
    config: SessionConfig = Field(description="How this session works, as before.")
    resume_at: Seconds = Field(description="Media time of the first step that will be measured.")
    replay_from: int = Field(ge=0, description="Byte offset (`container`) or sequence number (`frames`) to send from.")
    init_bytes: int = Field(ge=0, description="First bytes of the recording to send before that; 0 with `frames`.")


class Measurement(TimelineStep):
    """One person at one step: an upload's timeline step and the evidence behind it."""

    type: Literal["measurement"] = "measurement"
    id: int = Field(ge=1, description="The person, from 1 in order of first appearance.")
    scores: dict[Label, float] | None = Field(
        description="Raw perception-attention scores s. The weight of this step in the session's attention is "
        "exp(s - m) / l with the summary's (m, l); 0 where `modalities` is empty. Null where attention is off."
    )
    alignment: AlignmentStep | None = Field(
        description="Null without speech within the last second, and where alignment is off."
    )
    delay: float | None = Field(
        ge=0, description="Seconds from the arrival of the step's newest media to this message; null if unknown."
    )


class Checkpoint(_Message):
    """Everything a server must know to go on from here. The client keeps it, and the media from `replay_from` on."""

    type: Literal["session.checkpoint"] = "session.checkpoint"
    token: str = Field(description="Opaque, signed, bound to the model and to the caller's key; expires.")
    resume_at: Seconds = Field(description="Media time of the first step that a resumed session measures.")
    replay_from: int = Field(
        ge=0, description="Byte offset (`container`) or sequence number (`frames`) of the media to send again."
    )
    init_bytes: int = Field(
        ge=0, description="First bytes of the recording, its header, to send before that; 0 with `frames`."
    )


class UtteranceStart(_Message):
    """Speech begins."""

    type: Literal["utterance.start"] = "utterance.start"
    start: Seconds


class PersonSummary(_Message):
    """One person over a stretch of time."""

    id: int = Field(ge=1, description="From 1, in order of first appearance.")
    summary: Summary = Field(description="What the person expresses over it.")


class UtteranceEnd(_Message):
    """Speech has paused."""

    type: Literal["utterance.end"] = "utterance.end"
    start: Seconds
    end: Seconds
    people: list[PersonSummary] = Field(description="The utterance's own result, for everyone on show or heard in it.")


class FramesDropped(_Message):
    """Pictures that were received but not measured."""

    type: Literal["frames.dropped"] = "frames.dropped"
    dropped: dict[str, int] = Field(description="How many so far, by reason.")


class SessionClosing(_Message):
    """The server is about to leave. The session goes on up to its next checkpoint, or to the deadline; then come an
    `error` message (`draining`) and the closing with 1012, and the client goes on elsewhere."""

    type: Literal["session.closing"] = "session.closing"
    deadline: float = Field(ge=0, description="Seconds from this message after which the connection is closed.")
    reason: Literal["draining"] = Field(description="Why: the server drains, to be stopped or replaced.")


class Normaliser(_Message):
    """Normaliser of one emotion's attention over the session: weight = exp(score - m) / l."""

    m: float = Field(description="The largest score.")
    l: float = Field(description="The sum of exp(score - m) over all steps with evidence.")  # noqa: E741


class SessionPerson(PersonSummary):
    """One person over the whole session."""

    normaliser: dict[Label, Normaliser] | None = Field(description="Null without evidence, or where attention is off.")
    baseline: str | None = Field(
        description="This person's baseline, signed, for later sessions; null unless it was learnt."
    )


class SessionMedia(_Message):
    """What was received. Every picture is measured, off the grid or dropped."""

    duration: float = Field(ge=0, description="Seconds from the start of the media to the end of its longest stream.")
    frames: int = Field(ge=0, description="Pictures received.")
    measured: int = Field(ge=0, description="Pictures that a step measured.")
    off_grid: int = Field(ge=0, description="Pictures that no step took, because a newer one came before its time.")
    dropped: dict[str, int] = Field(
        description="Pictures dropped, by reason: `late` (see `max_delay`), `invalid`, `absent` (more than two seconds "
        "of media behind the sound)."
    )
    width: int = Field(ge=0, description="Pixels, upright; 0 without video.")
    height: int = Field(ge=0, description="Pixels, upright; 0 without video.")
    has_audio: bool = Field(description="Whether there was sound.")
    has_video: bool = Field(description="Whether there were pictures.")


class SessionSpeech(_Message):
    """How much was spoken."""

    seconds: float = Field(ge=0, description="Seconds of speech, whoever spoke.")


class SessionSummary(_Message):
    """The last message before the connection is closed with 1000."""

    type: Literal["session.summary"] = "session.summary"
    model: ModelInfo
    media: SessionMedia
    speech: SessionSpeech
    people: list[SessionPerson] = Field(description="In order of first appearance.")


class ErrorMessage(_Message):
    """Something was refused or failed. A fatal one is followed by the closing of the connection."""

    type: Literal["error"] = "error"
    code: str = Field(description="Stable name of the problem, as in HTTP problem details.")
    title: str = Field(description="The kind of problem in a few words.")
    detail: str = Field(description="What happened this time, for people.")
    fatal: bool = Field(description="Whether the session ends with it.")
    sequence: int | None = Field(description="The message it is about (`frames`), where it is about one.")
    retry_after: int | None = Field(description="Seconds after which a new try may succeed; null if that is unknown.")


ServerMessage = Annotated[
    SessionCreated
    | SessionUpdated
    | SessionResumed
    | Measurement
    | Checkpoint
    | UtteranceStart
    | UtteranceEnd
    | FramesDropped
    | SessionClosing
    | SessionSummary
    | ErrorMessage
    | KeepAlive,
    Field(discriminator="type"),
]

CLIENT_MESSAGES: Final[TypeAdapter[ClientMessage]] = TypeAdapter(ClientMessage)
SERVER_MESSAGES: Final[TypeAdapter[ServerMessage]] = TypeAdapter(ServerMessage)
