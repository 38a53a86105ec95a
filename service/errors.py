"""Every refusal and failure that a caller can meet, each with a stable code.

The API renders an `AttuneError` as RFC 9457 problem details, the command as one line; both show `code` and `detail`.
"""

from typing import ClassVar, Final

MAX_DETAIL: Final = 1000
"""Characters of a detail. It may quote what a caller sent, which may be megabytes."""


class AttuneError(Exception):
    """A failure with a stable `code`, an HTTP `status` and a `detail` fit for callers."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    recoverable: ClassVar[bool] = False
    """Whether a streaming session goes on after it."""

    def __init__(self, detail: str, *, retry_after: int | None = None, sequence: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail if len(detail) <= MAX_DETAIL else detail[: MAX_DETAIL - 1] + "…"
        self.retry_after = retry_after
        """Seconds after which the same request may succeed, for 429 and 503."""
        self.sequence = sequence
        """The message of a stream that it is about."""


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


class TooManyPeople(AttuneError):
    """A live session has met more people than its state may hold."""

    code, status, title = "too_many_people", 413, "Too many people"


class BodyTimeout(AttuneError):
    """The upload stopped: no byte of it came for as long as the service waits."""

    code, status, title = "body_timeout", 408, "Upload stalled"


class InvalidRequest(AttuneError):
    """The request itself is malformed: a bad option, a multipart body without the part `file`."""

    code, status, title = "invalid_request", 422, "Invalid request"


class BadRequest(AttuneError):
    """What came is no request of HTTP/1.1, or no handshake of a WebSocket."""

    code, status, title = "bad_request", 400, "Bad Request"


class HeadTooLarge(AttuneError):
    """The line and the headers of a request have more bytes than allowed."""

    code, status, title = "head_too_large", 431, "Request head too large"


class HeadTimeout(AttuneError):
    """The line and the headers of a request did not come in time."""

    code, status, title = "head_timeout", 408, "Request head stalled"


class Busy(AttuneError):
    """As many analyses, or live sessions, as allowed are running."""

    code, status, title = "busy", 429, "No room"


class QuotaExceeded(AttuneError):
    """The API key has as many live sessions here as it may have."""

    code, status, title = "quota_exceeded", 429, "Quota exceeded"


class Unavailable(AttuneError):
    """The service cannot work now: starting, stopping, or out of a resource such as spool space."""

    code, status, title = "unavailable", 503, "Service unavailable"


class Draining(AttuneError):
    """The service stops and takes no new work; another replica, or this one in a moment, does."""

    code, status, title = "draining", 503, "Service draining"


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


class InvalidFrame(AttuneError):
    """A message of a stream is no picture and no sound that Attune reads; it is passed over."""

    code, status, title, recoverable = "invalid_frame", 422, "Invalid frame", True


class OutOfOrder(AttuneError):
    """A message of a stream goes back in sequence or in time; it is passed over."""

    code, status, title, recoverable = "out_of_order", 422, "Out of order", True


class RateLimited(AttuneError):
    """More in a time than allowed: requests of a key, or pictures in a stream, of which this one is passed over."""

    code, status, title, recoverable = "rate_limited", 429, "Rate exceeded", True


class InvalidMessage(AttuneError):
    """A message of a stream is not one of the protocol, or not at this point of a session."""

    code, status, title = "invalid_message", 400, "Invalid message"


class MessageTooLarge(AttuneError):
    """A message of a stream has more bytes than allowed."""

    code, status, title = "message_too_large", 413, "Message too large"


class IdleTimeout(AttuneError):
    """A session heard nothing from its client for too long."""

    code, status, title = "idle_timeout", 408, "Session idle"


class SlowClient(AttuneError):
    """The client of a session does not read its results."""

    code, status, title = "slow_client", 408, "Client does not read"


class Unauthorized(AttuneError):
    """No valid API key, and no valid access token, came with the request."""

    code, status, title = "unauthorized", 401, "API key required"


class TokenInvalid(AttuneError):
    """A checkpoint or baseline was altered, is of another key or version, or is no token at all."""

    code, status, title = "token_invalid", 403, "Token not accepted"


class TokenExpired(AttuneError):
    """A checkpoint or baseline is too old."""

    code, status, title = "token_expired", 403, "Token expired"


class TokenForeignModel(AttuneError):
    """A checkpoint or baseline was made by another model."""

    code, status, title = "token_foreign_model", 409, "Token of another model"


class OriginNotAllowed(AttuneError):
    """A page of this origin may not use the service."""

    code, status, title = "origin_not_allowed", 403, "Origin not allowed"


class HostNotAllowed(AttuneError):
    """The service, which asks for no key, does not answer to this name (header `Host`)."""

    code, status, title = "host_not_allowed", 421, "Host not allowed"
