"""Settings of the service, each from the environment variable `ATTUNE_<NAME>` or an option of `attune serve`."""

import math
import os
import re
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from service import credentials
from service.credentials import ApiKey
from service.media.limits import MediaLimits

SESSIONS_PER_CORE: Final = 3
"""As many as a core carries without making them wait for each other (docs/operations.md, section Sizing)."""

_LIMITS = MediaLimits()
_CGROUP = Path("/sys/fs/cgroup")
_SHORTEST_KEY = 16
_ORIGIN = re.compile(r"https?://(?:[^/?#@:\s\[\]]+|\[[0-9a-f:.]+\])(?::\d+)?")
_DEFAULT_PORT = re.compile(r"http:.*:80$|https:.*:443$")
"""Browsers leave it out."""


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


def _hidden(value: Any) -> Any:
    """A secret wrapped before it is looked at, so that no error message can hold it."""
    return SecretStr(value) if isinstance(value, str) else value


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _SHORTEST_KEY:
        raise ValueError(f"a key needs at least {_SHORTEST_KEY} characters")
    return secret


def _well_formed(entries: SecretStr) -> SecretStr:
    credentials.parse(entries.get_secret_value())
    return entries


def _origins(text: str) -> frozenset[str]:
    """The origins in a list. Raises ValueError for what no browser would send, since it would never be allowed."""
    parts = {part.strip().rstrip("/").lower() for part in text.split(",") if part.strip()}
    for part in parts - {"*"}:
        if not (part.isascii() and _ORIGIN.fullmatch(part)) or _DEFAULT_PORT.match(part):
            raise ValueError(f"{part!r} is no origin such as https://example.org")
    return frozenset(parts)


def _only_origins(text: str) -> str:
    _origins(text)
    return text


def _collector(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("it must begin with http:// or https://")
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        raise ValueError("traces need the extra `otel`: pip install 'attune[otel]'")
    return url


_Secret = Annotated[SecretStr, AfterValidator(_long_enough), BeforeValidator(_hidden)]
# Hashes are no secrets, but somebody may give a key itself by mistake.
_Entries = Annotated[SecretStr, AfterValidator(_well_formed), BeforeValidator(_hidden)]


class Settings(BaseSettings):
    """Everything that can be set about a running service."""

    model_config = SettingsConfigDict(env_prefix="ATTUNE_", frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="TCP port to listen on; 0 lets the system choose one.")
    provider: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Execution provider of the model; `cuda` fails at start where CUDA does not work."
    )
    weights_dir: Path | None = Field(
        default=None, description="Folder of the ONNX files; unset means those of the package for the provider."
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
    max_sessions: int = Field(
        default_factory=lambda: SESSIONS_PER_CORE * available_cores(),
        ge=1,
        description="Live sessions at once; one more is refused. Unset means three for each available core.",
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
    max_session_duration: float = Field(
        default=4 * 3600.0, gt=0, description="Seconds of media in one live session, connections resumed included."
    )
    max_message_bytes: int = Field(
        default=8 * 2**20, ge=64 * 2**10, description="Bytes of one WebSocket message of a live session."
    )
    idle_timeout: float = Field(
        default=30.0, gt=0, description="Seconds without a message from its client after which a live session ends."
    )
    media_timeout: float = Field(
        default=3600.0,
        gt=0,
        description="Seconds without media, whatever else its client says, after which a live session ends. Before its "
        "first media it is `idle_timeout`.",
    )
    send_timeout: float = Field(
        default=10.0, gt=0, description="Seconds that the client of a live session may leave its results unread."
    )
    checkpoint_interval: float = Field(
        default=2.0,
        ge=0.4,
        le=60,
        description="Seconds of media between two checkpoints of a live session, rounded to whole multiples of 0.4.",
    )
    checkpoint_lifetime: float = Field(
        default=86_400.0, gt=0, description="Seconds for which a checkpoint of a live session is accepted."
    )
    baseline_lifetime: float = Field(
        default=365 * 86_400.0, gt=0, description="Seconds for which a personal baseline is accepted."
    )
    checkpoint_key: _Secret | None = Field(
        default=None,
        description="Secret that signs checkpoints, baselines and access tokens; the same for all replicas. Unset "
        "means one made once in the user's state folder. Better given by the variable than by the option, which others "
        "may see.",
    )
    api_keys: _Entries | None = Field(
        default=None,
        description="Entries NAME=HASH, separated by commas, of the keys of which requests to /v1 must show one; "
        "`attune key NAME` makes key and entry. Unset means that anybody may use the service, on this machine alone.",
    )
    allow_anonymous: bool = Field(
        default=False,
        description="Whether a service without API keys may listen on more than a loopback address, and answer to "
        "other names than this machine's: anybody who reaches it may use it then.",
    )
    token_lifetime: float = Field(
        default=300.0, gt=0, le=86_400, description="Seconds for which an access token of POST /v1/tokens is accepted."
    )
    key_requests_per_minute: int = Field(
        default=0,
        ge=0,
        description="Requests to /v1 that each API key may make in any minute, sessions opened included, at each "
        "replica; one more is refused with 429. 0 means no limit.",
    )
    key_sessions: int = Field(
        default=0, ge=0, description="Live sessions at once for each API key, at each replica. 0 means no limit."
    )
    allowed_origins: Annotated[str, AfterValidator(_only_origins)] = Field(
        default="",
        description="Origins, separated by commas, of other sites whose pages may use the service, such as "
        "https://example.org; * for every one. The service's own page always may.",
    )
    worker_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without progress, with input at hand, after which a decoding process counts as hung.",
    )
    worker_memory_bytes: int = Field(
        default=8 * 2**30, ge=2**30, description="Address space of one decoding process; an allocation beyond it fails."
    )
    admin_port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="TCP port of a second listener, for operators alone: /metrics, which then leaves the main port, "
        "/internal/drain and /health. Unset means none; 0 lets the system choose one.",
    )
    admin_host: str = Field(
        default="127.0.0.1", description="Address of that listener. It asks for no key: keep it from the outside."
    )
    drain_delay: float = Field(
        default=0.0,
        ge=0,
        description="Seconds for which a service that was told to stop, and says that it is not ready, is still "
        "listening and works as ever, so that whoever balances the load can notice.",
    )
    session_grace: float = Field(
        default=5.0,
        ge=0,
        description="Seconds after that in which live sessions come to their next checkpoint, at which they end.",
    )
    shutdown_grace: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that running analyses get to finish, once the service has ceased to listen.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Log lines for people, or one JSON object each for programs."
    )
    trace_endpoint: Annotated[str, AfterValidator(_collector)] | None = Field(
        default=None,
        description="URL that takes OpenTelemetry traces (OTLP over HTTP), such as http://collector:4318/v1/traces. "
        "Unset sends none. Needs the extra `otel`.",
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

    def session_limits(self) -> MediaLimits:
        """The bounds that every live session is decoded under; its bytes are bounded by its duration alone."""
        return replace(self.media_limits(), max_bytes=sys.maxsize, max_duration=self.max_session_duration)

    def keys(self) -> tuple[ApiKey, ...]:
        """The API keys; none where anybody may use the service."""
        return credentials.parse(self.api_keys.get_secret_value()) if self.api_keys is not None else ()

    @property
    def for_this_machine(self) -> bool:
        """Whether only this machine may use the service: it asks for no key, and nobody said that this is meant so."""
        return self.api_keys is None and not self.allow_anonymous

    def origins(self) -> frozenset[str]:
        """The origins whose pages may use the service, beside its own."""
        return _origins(self.allowed_origins)
