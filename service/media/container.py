"""Opening a container with FFmpeg: what it may be, what it may hold, what its header says."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.index import IndexEntries
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from service.errors import (
    MediaTooLong,
    MediaTruncated,
    MediaUnreadable,
    NoMedia,
    PictureTooLarge,
    UnsupportedMedia,
)
from service.media.boxes import Layout, check_spooled, find_layout
from service.media.limits import MediaLimits
from service.media.signatures import ACCEPTED, detect_format
from service.media.source import MediaSource
from service.media.spool import Spool

VIDEO_DECODERS = ("h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mjpeg")
AUDIO_DECODERS = (
    *("aac", "mp3float", "mp3", "opus", "vorbis", "flac"),
    *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw"),
)

DECODER_PIXELS = 100_000_000
"""Pixels that a decoder may allocate for one picture. Far above any sensible limit, so that a picture whose size
only the coded video tells can be refused by its size instead of as damaged; far below what exhausts memory."""

_PRIMING = Fraction(1, 10)
"""Seconds of negative time at the start that are a sound codec's lead-in and not media."""

_SPREAD = 1
"""Seconds by which two streams may lie apart in file order. FFmpeg reorders by time beyond it where it can seek."""

_SIZED = ("mov", "matroska", "avi")
"""Formats whose headers tell the size of the pictures: nothing larger than allowed is decoded even while probing."""

_INVENT_TIMES = 0x0001  # AVFMT_FLAG_GENPTS
"""PyAV has FFmpeg fill in presentation times where a container (AVI) has none; with B-frames they are wrong."""

_PROBING = {
    # Headers name every stream: read on only until each decoder can start.
    "matroska": {"probesize": "1048576", "analyzeduration": "1000000"},
    # Streams show up as their packets come. FFmpeg reads on until the FLV header's promise is kept, and as far as
    # this in a transport stream, which promises nothing.
    "flv": {"probesize": "5000000", "analyzeduration": "10000000"},
    "mpegts": {"probesize": "2097152", "analyzeduration": "2000000"},
}


StreamT = TypeVar("StreamT", bound=Stream)


@dataclass(frozen=True, slots=True)
class Opened:
    """A container that is open and holds at least one usable stream."""

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    origin: Fraction
    """The container's time, in seconds, that is time 0 of the media."""
    announced: int
    """Bytes up to the end of the last sample that an index announces; 0 without an index."""


def open_media(source: MediaSource, limits: MediaLimits, spool_dir: Path | None, stack: ExitStack) -> Opened:
    """Open what `source` holds; whatever has to be closed goes onto `stack`.

    Blocks until enough bytes are there to start decoding, which for a file with its index at the end is all of them.
    Raises any of the errors of `service.media` that a header can cause.
    """
    name = detect_format(source)
    layout = find_layout(source) if name == "mov" else None
    if layout is not Layout.MEDIA_FIRST:
        opened = _open(source, name, limits, stack, announces=layout is Layout.INDEX_FIRST)
        if layout is not Layout.INDEX_FIRST or not _far_apart(opened):
            source.release()
            return opened
        opened.container.close()
    spool = stack.enter_context(Spool(spool_dir))
    spool.fill(source, limits.max_spool_bytes)
    check_spooled(spool)
    opened = _open(spool, name, limits, stack, announces=True)
    if opened.announced > spool.size:
        raise truncated()
    return opened


def truncated() -> MediaTruncated:
    """The error for a file shorter than its index says."""
    return MediaTruncated("The file ends before the media that its index announces.")


def check_pixels(width: int, height: int, limits: MediaLimits) -> None:
    """Raise `PictureTooLarge` for a coded picture of this size if it is beyond the limit."""
    if width * height > limits.max_pixels:
        raise PictureTooLarge(f"A picture has {width} x {height} pixels; at most {limits.max_pixels} are allowed.")


def _open(source: MediaSource | Spool, name: str, limits: MediaLimits, stack: ExitStack, *, announces: bool) -> Opened:
    options = {
        "format_whitelist": name,
        "codec_whitelist": ",".join((*VIDEO_DECODERS, *AUDIO_DECODERS)),
        "protocol_whitelist": "none",  # a container may never make FFmpeg open anything else
        "max_streams": "32",
        "max_pixels": str(limits.max_pixels if name in _SIZED else DECODER_PIXELS),
        "fpsprobesize": "0",  # nobody asks for the frame rate: do not wait for 20 frames to guess it
        **_PROBING.get(name, {}),
    }
    try:
        container = av.open(source, "r", format=name, options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        if isinstance(source, MediaSource):
            source.check()
        if isinstance(error, av.EOFError):
            raise NoMedia("The container ends before its first picture or sample.") from error
        raise MediaUnreadable("The container is damaged.") from error
    stack.callback(container.close)
    if isinstance(source, MediaSource):
        source.check()
    container.flags &= ~_INVENT_TIMES
    announced_duration = None if name == "wav" else container.duration  # streamed WAV has an invented size
    if announced_duration is not None and announced_duration > limits.max_duration * av.time_base:
        raise MediaTooLong(f"The recording is longer than {limits.max_duration:g} seconds.")
    video, audio = _choose(container)
    if video is not None:
        width, height = video.codec_context.width, video.codec_context.height
        if name in _SIZED and not width * height:  # FFmpeg forgets a size that it may not decode
            raise PictureTooLarge(f"A picture has more than {limits.max_pixels} pixels.")
        check_pixels(width, height, limits)
    chosen = [stream for stream in (video, audio) if stream is not None]
    for stream in container.streams:
        if stream not in chosen:
            stream.discard = Discard.all
    announced = max((_end(stream.index_entries) for stream in chosen), default=0) if announces else 0
    return Opened(container, video, audio, _origin(chosen), announced)


def _choose(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """FFmpeg's best video and best audio stream; raises `UnsupportedMedia` if either is in another codec."""
    video = _best(container.streams.video, container.streams.best("video"))
    audio = _best(container.streams.audio, container.streams.best("audio"))
    if video is None and audio is None:
        raise NoMedia("The container holds neither video nor sound.")
    for stream, decoders in ((video, VIDEO_DECODERS), (audio, AUDIO_DECODERS)):
        if stream is not None and (stream.codec_context is None or stream.codec_context.codec.name not in decoders):
            codec = stream.codec_context.codec.name if stream.codec_context else "unknown"
            raise UnsupportedMedia(f"The {stream.type} stream is in the codec {codec}. {ACCEPTED}")
    return video, audio


def _best(streams: Sequence[StreamT], best: Stream | None) -> StreamT | None:
    """`best` unless it is cover art or FFmpeg knows too little of the streams to have one; then the first."""
    usable = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    return next((stream for stream in usable if stream is best), usable[0] if usable else None)


def _origin(streams: Sequence[Stream]) -> Fraction:
    starts = [
        stream.start_time * stream.time_base
        for stream in streams
        if stream.start_time is not None and stream.time_base is not None
    ]
    start = min(starts, default=Fraction(0))
    return Fraction(0) if -_PRIMING < start < 0 else start


def _end(entries: IndexEntries) -> int:
    return max((entry.pos + entry.size for entry in entries), default=0)


def _far_apart(opened: Opened) -> bool:
    """Whether, in file order, one stream lags behind the other by more than FFmpeg tolerates in a seekable file."""
    if opened.video is None or opened.audio is None:
        return False
    samples = sorted(
        (entry.pos, which, entry.timestamp * float(stream.time_base or 0))
        for which, stream in enumerate((opened.video, opened.audio))
        for entry in stream.index_entries
    )
    upcoming = [float("inf"), float("inf")]
    for _, which, time in reversed(samples):
        upcoming[which] = time
        if time - upcoming[1 - which] > _SPREAD:
            return True
    return False
