"""What a decoding process is told when it is started: one JSON argument of its command line."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from service.logs import LogFormat

OUT_OF_MEMORY: Final = 3
"""Exit status of a process that leaves because memory ran out; the session that asked for it has been told."""


@dataclass(frozen=True, slots=True)
class Start:
    """How one process is to serve."""

    control: int
    """Descriptor of the socket on which it takes sessions."""
    black_box: int
    """Descriptor of the memory that outlives it; see `service.workers.blackbox`."""
    memory_bytes: int
    """Bound on its address space."""
    file_bytes: int
    """Bound on each file that it writes."""
    cpu_seconds: float
    """Seconds that a session may compute without getting on."""
    log_format: LogFormat
    spool_dir: Path | None
    """Where it may put temporary files; None for the system's folder."""

    def to_json(self) -> str:
        values = asdict(self)
        values["spool_dir"] = None if self.spool_dir is None else str(self.spool_dir)
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "Start":
        values = json.loads(text)
        values["spool_dir"] = None if values["spool_dir"] is None else Path(values["spool_dir"])
        return cls(**values)
