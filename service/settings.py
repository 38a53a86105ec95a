"""Settings of the service, each from the environment variable `ATTUNE_<NAME>` or an option of `attune serve`."""

import math
import os
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.media.limits import MediaLimits

_LIMITS = MediaLimits()
_CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = _CGROUP) -> int:
    """Cores this process may use: its CPU affinity, cut to the control group's quota (versions 2 and 1); at least 1."""
    cores = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _quota(cgroup: Path) -> float | None:
    """CPU seconds per second that the control group grants, or None for no limit."""
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
    except FileNotFoundError:
        try:
            limit = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except FileNotFoundError:
            return None
    return None if limit in ("max", "-1") else int(limit) / int(period)


class Settings(BaseSettings):
    """Everything that can be set about a running service."""

    model_config = SettingsConfigDict(env_prefix="ATTUNE_", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="TCP port to listen on; 0 lets the system choose one.")
    provider: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Execution provider of the model; `cuda` fails at start where CUDA does not work."
    )
    weights_dir: Path | None = Field(
        default=None, description="Folder of the ONNX files; unset means those of the package."
    )
    workers: int = Field(
        default_factory=available_cores,
        ge=1,
        description="Decoding processes; unset means one for each core available to the service.",
    )
    max_analyses: int = Field(
        default_factory=lambda: 2 * available_cores(),
        ge=1,
        description="Analyses at once; one more is refused with 429. Unset means two for each available core.",
    )
    max_upload_bytes: int = Field(default=_LIMITS.max_bytes, ge=1, description="Bytes of media in one upload.")
    max_duration: float = Field(default=_LIMITS.max_duration, gt=0, description="Seconds of media in one upload.")
    max_pixels: int = Field(default=_LIMITS.max_pixels, ge=1, description="Pixels (width times height) in one picture.")
    max_frame_rate: float = Field(default=_LIMITS.max_frame_rate, gt=0, description="Pictures per second of media.")
    max_spool_bytes: int = Field(
        default=_LIMITS.max_spool_bytes,
        ge=0,
        description="Bytes of the temporary file of one analysis, for media that cannot be read as it arrives.",
    )
    spool_dir: Path | None = Field(
        default=None,
        description="Folder of temporary files; unset means the system's. A memory file system keeps media off disk.",
    )
    body_timeout: float = Field(
        default=30.0, gt=0, description="Seconds without a byte of an upload after which it is given up with 408."
    )
    worker_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without progress, with input at hand, after which a decoding process counts as hung.",
    )
    worker_memory_bytes: int = Field(
        default=8 * 2**30, ge=2**30, description="Address space of one decoding process; an allocation beyond it fails."
    )
    shutdown_grace: float = Field(
        default=30.0, ge=0, description="Seconds that running analyses get to finish once the service is told to stop."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
    )

    def media_limits(self) -> MediaLimits:
        """The bounds that every upload is decoded under."""
        return MediaLimits(
            max_bytes=self.max_upload_bytes,
            max_duration=self.max_duration,
            max_pixels=self.max_pixels,
            max_frame_rate=self.max_frame_rate,
            max_spool_bytes=self.max_spool_bytes,
        )
