"""Small good recordings, one of each container and codec, from which bad ones are made. The same bytes every time."""

from dataclasses import replace
from fractions import Fraction
from functools import cache

import av
import numpy as np
from media.clips import Clip, level, write_clip

_EXACT = {"fflags": "+bitexact"}
SIZE = (64, 48)


def _clip(container: str, video: str | None, audio: str | None, seconds: float = 0.4, **muxer: str) -> Clip:
    rate = 16_000 if audio == "pcm_s16le" else 48_000
    return Clip(
        container, video, audio, seconds, SIZE, sample_rate=rate, muxer=_EXACT | muxer, encoder={"threads": "1"}
    )


_CLIPS = {
    "mp4 index last": _clip("mp4", "libx264", "aac"),
    "mp4 index first": _clip("mp4", "libx264", "aac", movflags="+faststart"),
    "mp4 fragments": _clip("mp4", "libx264", "aac", movflags="+frag_every_frame+empty_moov+default_base_moof"),
    "webm vp8 opus": _clip("webm", "libvpx", "libopus"),
    "webm live": _clip("webm", "libvpx", "libopus", live="1"),
    "webm vp9": _clip("webm", "libvpx-vp9", None),
    "matroska h264 aac": _clip("matroska", "libx264", "aac"),
    "avi mpeg4 mp3": _clip("avi", "mpeg4", "libmp3lame"),
    "avi mjpeg pcm": _clip("avi", "mjpeg", "pcm_s16le", 0.2),
    "flv h264 aac": _clip("flv", "libx264", "aac"),
    "mpegts h264 aac": _clip("mpegts", "libx264", "aac"),
    "wav pcm": _clip("wav", None, "pcm_s16le", 0.2),
    "flac": _clip("flac", None, "flac", 0.2),
    "ogg opus": _clip("ogg", None, "libopus", 0.2),
    "ogg vorbis": Clip("ogg", None, "vorbis", 0.2, layout="stereo", muxer=_EXACT),
    "mp3": _clip("mp3", None, "libmp3lame", 0.2),
    "adts aac": _clip("adts", None, "aac", 0.2),
}


@cache
def originals(length: float = 1.0) -> dict[str, bytes]:
    """By name; `length` makes all of them shorter or longer."""
    return {name: write_clip(replace(clip, seconds=length * clip.seconds)) for name, clip in _CLIPS.items()}


@cache
def packets(codec: str = "libvpx", size: tuple[int, int] = SIZE, count: int = 10) -> tuple[bytes, ...]:
    """Bare packets of a video, the first a key frame and the others not, without anything of a container."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
    context.thread_count = 1
    context.options = {"bf": "0"} if codec == "libx264" else {}
    encoded = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), level(index), np.uint8), "rgb24")
        frame.pts = index
        encoded += [bytes(packet) for packet in context.encode(frame)]
    return tuple(encoded + [bytes(packet) for packet in context.encode(None)])
