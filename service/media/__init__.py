"""Bytes of a recording to timed pictures and sound. Knows nothing of faces or emotions."""

from service.media.frames import FrameReader, decode_frames
from service.media.limits import MediaLimits
from service.media.live import Live
from service.media.mark import Mark
from service.media.reader import MediaReader, decode
from service.media.source import ByteSource

__all__ = ["ByteSource", "FrameReader", "Live", "Mark", "MediaLimits", "MediaReader", "decode", "decode_frames"]
