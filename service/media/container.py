"""Opening a container with FFmpeg: what it may be, what it may hold, what its header says."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
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
from service.media.allocation import bound_allocations
from service.media.boxes import Layout, check_spooled, find_layout
from service.media.index import SampleIndex, read_index
from service.media.limits import MediaLimits
from service.media.mark import lost
from service.media.restarts import Restarts
from service.media.signatures import ACCEPTED, detect_format
from service.media.source import MediaSource
from service.media.spool import Spool

VIDEO_DECODERS = ("h264", "hevc", "vp8", "vp9", "libdav1d", "mpeg4", "mjpeg")
AUDIO_DECODERS = (
    *("aac", "mp3float", "mp3", "opus", "vorbis", "flac"),
    *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw"),
)

DECODER_PIXELS = 36_000_000
"""Pixels that a decoder may allocate for one picture: 8K. Above any sensible limit, so that a picture whose size only
the coded video tells can be refused by its size instead of as damaged; far below what exhausts memory, since a decoder
may hold a dozen of them before anybody learns their size."""

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
class Reopening:
    """What is known of a container that was open before and is now read from its middle."""

    init_bytes: int
    origin: Fraction
    streams: tuple[int | None, int | None]
    """Indices of the video and the audio stream."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A container that is open and holds at least one usable stream."""

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None
    origin: Fraction
    """The container's time, in seconds, that is time 0 of the media."""
    name: str
    """FFmpeg's name of the format."""
    index: SampleIndex | None = None
    """The index of all samples, where the file has one."""
    restarts: Restarts | None = None
    """Where reading may begin in the middle, in formats that allow it."""

    @property
    def streams(self) -> list[Stream]:
        """The streams that are read."""
        return [stream for stream in (self.video, self.audio) if stream is not None]

    @property
    def announced(self) -> int:
        """Bytes that the index says the file has; 0 without an index."""
        return 0 if self.index is None else self.index.end


def open_media(
    source: MediaSource, limits: MediaLimits, spool_dir: Path | None, stack: ExitStack, again: Reopening | None = None
) -> Opened:
    """Open what `source` holds; whatever has to be closed goes onto `stack`.

    Blocks until enough bytes are there to start decoding, which for a file with its index at the end is all of them.
    Raises any of the errors of `service.media` that a header can cause.
    """
    name = detect_format(source)
    layout = find_layout(source) if name == "mov" else None
    if name == "matroska" or layout is Layout.FRAGMENTED:
        restarts = Restarts(name, None if again is None else again.init_bytes)
        source.follow(restarts)
        source.release()
        return replace(_open(source, name, limits, stack, again), restarts=restarts)
    if again is not None:
        raise lost()
    if layout is not Layout.MEDIA_FIRST:
        opened = _open(source, name, limits, stack)
        if layout is Layout.INDEX_FIRST:
            opened = replace(opened, index=read_index(opened.streams))
        if source.size is not None and opened.announced > source.size:
            raise truncated()  # before anything is decoded or waited for
        if opened.index is None or not opened.index.far_apart:
            source.release()
            return opened
        opened.container.close()
    spool = stack.enter_context(Spool(spool_dir))
    spool.fill(source, limits.max_spool_bytes)
    check_spooled(spool)
    opened = _open(spool, name, limits, stack)
    opened = replace(opened, index=read_index(opened.streams))
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


def _open(
    source: MediaSource | Spool, name: str, limits: MediaLimits, stack: ExitStack, again: Reopening | None = None
) -> Opened:
    bound_allocations()
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
    if container.duration is not None and container.duration > limits.max_duration * av.time_base:
        raise MediaTooLong(f"The recording is longer than {limits.max_duration:g} seconds.")
    video, audio = _choose(container) if again is None else _choose_again(container, again)
    if video is not None:
        width, height = video.codec_context.width, video.codec_context.height
        if name in _SIZED and not width * height:  # FFmpeg forgets a size that it may not decode
            raise PictureTooLarge(f"A picture has more than {limits.max_pixels} pixels.")
        check_pixels(width, height, limits)
    chosen = [stream for stream in (video, audio) if stream is not None]
    for stream in container.streams:
        if stream not in chosen:
            stream.discard = Discard.all
    return Opened(container, video, audio, _origin(chosen) if again is None else again.origin, name)


def _choose(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """The video and the audio stream to read; raises `NoMedia` where there is neither."""
    video = _best(container.streams.video, container.streams.best("video"), VIDEO_DECODERS)
    audio = _best(container.streams.audio, container.streams.best("audio"), AUDIO_DECODERS)
    if video is None and audio is None:
        raise NoMedia("The container holds neither video nor sound.")
    return video, audio


def _choose_again(container: InputContainer, again: Reopening) -> tuple[VideoStream | None, AudioStream | None]:
    """The streams that were read before; raises `MediaUnreadable` where they are not there."""
    video, audio = (None if index is None else _stream(container, index) for index in again.streams)
    if (video is not None and not isinstance(video, VideoStream)) or (
        audio is not None and not isinstance(audio, AudioStream)
    ):
        raise lost()
    return video, audio


def _stream(container: InputContainer, index: int) -> Stream:
    if index >= len(container.streams):
        raise lost()
    return container.streams[index]


def _best(streams: Sequence[StreamT], best: Stream | None, decoders: Sequence[str]) -> StreamT | None:
    """FFmpeg's best stream of a kind; the first where it is cover art, in another codec, or not known well enough.

    None without a stream of this kind; raises `UnsupportedMedia` if all of them are in other codecs.
    """
    candidates = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    usable = [stream for stream in candidates if _codec(stream) in decoders]
    if candidates and not usable:
        codec = _codec(candidates[0])
        raise UnsupportedMedia(f"The {candidates[0].type} stream is in the codec {codec}. {ACCEPTED}")
    return next((stream for stream in usable if stream is best), usable[0] if usable else None)


def _codec(stream: Stream) -> str:
    return stream.codec_context.codec.name if stream.codec_context else "unknown"


def _origin(streams: Sequence[Stream]) -> Fraction:
    """The start of the first stream, in seconds; FFmpeg does not count a sound codec's lead-in."""
    starts = [
        stream.start_time * stream.time_base
        for stream in streams
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min(starts, default=Fraction(0))
