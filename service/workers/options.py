"""What a session asks of a decoding process; travels as JSON beside the session's socket."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from service.domain import FaceChoice
from service.media.limits import MediaLimits


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How one upload is decoded and perceived."""

    limits: MediaLimits
    faces: FaceChoice
    spool_dir: Path | None
    """Where media that cannot be read as it arrives is spooled; None for the system's folder."""
    size: int | None = None
    """Bytes that the media has at most; None where nobody knows."""

    def to_json(self) -> bytes:
        spool_dir = None if self.spool_dir is None else str(self.spool_dir)
        fields = {"limits": asdict(self.limits), "faces": self.faces, "spool_dir": spool_dir, "size": self.size}
        return json.dumps(fields).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "SessionOptions":
        fields = json.loads(text)
        spool_dir = None if fields["spool_dir"] is None else Path(fields["spool_dir"])
        return cls(MediaLimits(**fields["limits"]), fields["faces"], spool_dir, fields["size"])
