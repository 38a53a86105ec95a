"""Bytes of a recording to timed pictures and sound. Knows nothing of faces or emotions."""

from service.media.limits import MediaLimits
from service.media.reader import MediaReader, decode
from service.media.source import ByteSource

__all__ = ["ByteSource", "MediaLimits", "MediaReader", "decode"]
