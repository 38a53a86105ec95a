"""What one caller may ask of the decoder."""

from dataclasses import dataclass

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Bounds on one recording; each has its own error."""

    max_bytes: int = 512 * _MIB
    """Bytes read from the source; beyond them `BodyTooLarge`."""
    max_duration: float = 3600.0
    """Seconds of media; beyond them `MediaTooLong`."""
    max_pixels: int = 4096 * 2304
    """Width times height of a coded picture; beyond them `PictureTooLarge`."""
    max_frame_rate: float = 240.0
    """Pictures in any one second of media; beyond them `FrameRateTooHigh`."""
    max_spool_bytes: int = 512 * _MIB
    """Bytes of temporary file for recordings that cannot be read front to back; beyond them `BodyTooLarge`."""
