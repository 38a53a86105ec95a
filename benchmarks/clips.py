"""Real recordings, as callers upload them."""

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import SAMPLE

_KINDS = {".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm"}


@dataclass(frozen=True, slots=True)
class Clip:
    """One file."""

    name: str
    kind: str
    """Its Content-Type."""
    data: bytes


def clips() -> list[Clip]:
    """The clips of ../shared/data (or of the folder that ATTUNE_DATA names); where that is absent, the sample alone."""
    folder = Path(os.environ.get("ATTUNE_DATA", "../shared/data")) / "clips"
    files = sorted(folder.iterdir()) if folder.is_dir() else [SAMPLE]
    return [Clip(file.name, _KINDS[file.suffix], file.read_bytes()) for file in files]
