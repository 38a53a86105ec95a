"""What a session asks of a decoding process; travels as JSON in the first frame of the session's socket."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Literal

from service.domain import FaceChoice
from service.media.limits import MediaLimits


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How one recording or live session is decoded and perceived."""

    limits: MediaLimits
    faces: FaceChoice
    spool_dir: Path | None
    """Where media that cannot be read as it arrives is spooled; None for the system's folder."""
    size: int | None = None
    """Bytes that the media has at most; None where nobody knows."""
    input: Literal["container", "frames"] = "container"
    live: bool = False
    """Whether the media is a session's: times of arrival count, and faults of single frames do not end it."""
    max_delay: float | None = None
    """Seconds after its arrival at which a picture of a live session is dropped; None never drops."""
    checkpoint_every: int | None = None
    """Steps between two steps that carry a checkpoint, a multiple of `KEY_EVERY`; None for none."""
    resumes: bool = False
    """Whether a `ResumePoint` follows, to go on from."""
    given: int = 0
    """Steps before this one were given by another process: they are perceived again, neither sent nor reported."""
    log_fields: dict[str, str] = field(default_factory=dict)
    """What log lines about the session carry: the ids of its request and the like."""

    def to_json(self) -> bytes:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values["limits"] = asdict(self.limits)
        values["spool_dir"] = None if self.spool_dir is None else str(self.spool_dir)
        return json.dumps(values).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "SessionOptions":
        values = json.loads(text)
        values["limits"] = MediaLimits(**values["limits"])
        values["spool_dir"] = None if values["spool_dir"] is None else Path(values["spool_dir"])
        return cls(**values)
