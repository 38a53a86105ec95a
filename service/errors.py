"""Every refusal and failure that a caller can meet, each with a stable code.

The API renders an `AttuneError` as RFC 9457 problem details, the command as one line; both show `code` and `detail`.
"""

from typing import ClassVar


class AttuneError(Exception):
    """A failure with a stable `code`, an HTTP `status` and a `detail` fit for callers."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which the same request may succeed, for 429 and 503."""


class UnsupportedMedia(AttuneError):
    """The bytes are in no container or codec that Attune reads."""

    code, status, title = "unsupported_media", 415, "Unsupported media"


class EmptyBody(AttuneError):
    """No byte of media arrived."""

    code, status, title = "empty_body", 422, "Empty body"


class MediaUnreadable(AttuneError):
    """The container or its streams are damaged."""

    code, status, title = "media_unreadable", 422, "Media cannot be read"


class MediaTruncated(AttuneError):
    """The file ends before the media that its index announces."""

    code, status, title = "media_truncated", 422, "Media is truncated"


class NoMedia(AttuneError):
    """The container holds neither a picture nor a sample of sound."""

    code, status, title = "no_media", 422, "No picture and no sound"


class FrameRateTooHigh(AttuneError):
    """More pictures per second than allowed."""

    code, status, title = "frame_rate_too_high", 422, "Frame rate too high"


class BodyTooLarge(AttuneError):
    """More bytes than allowed."""

    code, status, title = "body_too_large", 413, "Body too large"


class MediaTooLong(AttuneError):
    """More seconds of media than allowed."""

    code, status, title = "media_too_long", 413, "Media too long"


class PictureTooLarge(AttuneError):
    """More pixels in a picture than allowed."""

    code, status, title = "picture_too_large", 413, "Picture too large"


class BodyTimeout(AttuneError):
    """The upload stopped: no byte of it came for as long as the service waits."""

    code, status, title = "body_timeout", 408, "Upload stalled"


class InvalidRequest(AttuneError):
    """The request itself is malformed: a bad option, a multipart body without the part `file`."""

    code, status, title = "invalid_request", 422, "Invalid request"


class Busy(AttuneError):
    """As many analyses as allowed are running."""

    code, status, title = "busy", 429, "Too many analyses at once"


class Unavailable(AttuneError):
    """The service cannot work now: starting, stopping, or out of a resource such as spool space."""

    code, status, title = "unavailable", 503, "Service unavailable"


class WorkerFailed(AttuneError):
    """The process that decoded this media crashed or hung."""

    code, status, title = "worker_failed", 500, "Decoding process failed"


class InternalError(AttuneError):
    """A defect of the service; its log says more."""

    code, status, title = "internal_error", 500, "Internal error"


class ModelMismatch(AttuneError):
    """A model file is damaged or disagrees with the service's input representation."""

    code, status, title = "model_mismatch", 500, "Model does not fit the service"


class ProviderUnavailable(AttuneError):
    """The execution provider that was asked for does not work on this machine."""

    code, status, title = "provider_unavailable", 500, "Execution provider unavailable"


class AssetMissing(AttuneError):
    """A third-party asset is absent or has the wrong hash; `detail` names the remedy."""

    code, status, title = "asset_missing", 500, "Asset missing"
