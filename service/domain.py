"""What travels between the stages: timed media, steps of perception, measurements.

Times are counted on two exact grids, never in floating seconds: pictures in steps of 1/25 s, sound in samples of
1/16000 s.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Provider = Literal["cpu", "cuda"]
"""Where the networks run."""

FaceChoice = Literal["all", "largest"]
"""Which faces become people: every one, or at each step the largest alone."""


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture on show at one step of the 25 Hz grid.

    A picture that is held over several steps is the same `image` object in each of them.
    """

    step: int
    image: NDArray[np.uint8] | None
    """RGB, [height, width, 3], upright, square pixels, possibly smaller than the original; None where the frame on show
    could not be decoded or was dropped."""
    frame: int = 0
    """Number of the received frame that is on show, from 0."""
    arrived: float = 0.0
    """When its bytes arrived, on the monotonic clock; 0 where nobody noted it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A run of 16 kHz mono samples."""

    start: int
    """Index of the first sample, counted from the start of the media."""
    samples: NDArray[np.float32]
    """[n], -1 to 1, whole multiples of 1/32768."""
    arrived: float = 0.0
    """When its bytes arrived, on the monotonic clock; 0 where nobody noted it."""


Media = Picture | Sound


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a container held. Grows while the media is read; final once it has been read whole."""

    duration: float
    """Seconds from the start of the media to the end of its longest stream."""
    frames: int
    """Pictures decoded, before sampling to the grid."""
    width: int
    """Pixels, upright; 0 without video."""
    height: int
    has_video: bool
    has_audio: bool


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """What became of every picture received; the parts add up."""

    received: int = 0
    measured: int = 0
    off_grid: int = 0
    """No step took it: a newer one came before its time."""
    late: int = 0
    """Dropped because it had waited too long."""
    invalid: int = 0
    absent: int = 0
    """Its steps had been given without it: the video lagged too far behind the sound."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """All that decoding and perception must know to go on with one step as if they had never stopped."""

    step: int
    """The first step that is given."""
    replay_from: int
    """Byte offset, or sequence number, from which media must be read again."""
    init_bytes: int
    """First bytes of the recording, its header, to be read before that."""
    state: bytes
    """JSON, for the same version of the code only."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle as fractions of the picture; may reach beyond its edges."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """One confirmed face track at one step."""

    track: int
    """From 1, in order of first appearance; kept through missed detections and brief absence."""
    box: Box
    crop: NDArray[np.uint8]
    """Grey, [48, 48], aligned by the eyes."""
    motion: float = 0.0
    """How much the mouth has moved within the last three steps, over the contrast of the face; 0 at first."""


@dataclass(frozen=True, slots=True)
class Step:
    """Everything perceived at one step of the grid; the input of the analyser."""

    index: int
    faces: tuple[Face, ...]
    mel: NDArray[np.float32] | None
    """Log-mel frames [4, 64] of the 40 ms before this step; None where there is no sound."""
    speech: bool
    """Whether those 40 ms hold speech."""
    arrived: float = 0.0
    """When the newest of its media arrived, on the monotonic clock; 0 where nobody noted it."""
    checkpoint: ResumePoint | None = None
    """Where and how to go on with this step, at steps where that was asked for."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """The sound that a step leaned on most."""

    lag: float
    """Seconds from the end of that sound to the step."""
    weight: float
    """Share of the step's soft attention that it got, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one step says of one person."""

    person: int
    """From 1, in order of first appearance."""
    step: int
    box: Box | None
    probabilities: NDArray[np.float32]
    """[7], forgetting with the horizon: what the person expresses around this step."""
    overall: NDArray[np.float32]
    """[7], weighing the whole recording up to this step."""
    scores: NDArray[np.float32]
    """[7], raw perception-attention score of this step for each emotion; means nothing without evidence."""
    alignment: Alignment | None
    """None where the last second holds no speech."""
    speech: bool
    audio: bool
    """Whether sound is evidence at this step: speech within the last second."""
    video: bool
    """Whether a face is evidence at this step."""
    speaking: bool | None = None
    """Whether the speech of this step is taken for this person's; None without speech, without anybody else it could
    belong to, or undecided."""
