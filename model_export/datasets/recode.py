"""Recordings in codecs that the service does not accept, of which old data sets are full, made ones that it does."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from service.errors import MediaUnreadable

_SHARP: Final = {"crf": "12", "preset": "veryfast"}
"""x264: hardly to be told from the original."""

_TICKS: Final = Fraction(1, 1000)


def recode(path: Path) -> BytesIO:
    """A Matroska file of H.264 and PCM with the times of the original, whatever FFmpeg reads.

    For trusted files alone: every format and codec of FFmpeg is tried. Raises `MediaUnreadable` where none fits.
    """
    out = BytesIO()
    try:
        with av.open(str(path)) as source, av.open(out, "w", format="matroska") as target:
            _copy(source, target)
    except (av.FFmpegError, ValueError) as error:
        raise MediaUnreadable(f"{path.name} cannot be made readable: {error}") from error
    out.seek(0)
    return out


def _copy(source: InputContainer, target: OutputContainer) -> None:
    pictures = source.streams.video[0] if source.streams.video else None
    sound = source.streams.audio[0] if source.streams.audio else None
    video = _video_like(pictures, target) if pictures is not None else None
    audio = _audio_like(sound, target) if sound is not None else None
    resampler = av.AudioResampler("s16", "mono", audio.rate) if audio is not None else None
    last = -1
    for frame in source.decode(*(stream for stream in (pictures, sound) if stream is not None)):
        if isinstance(frame, av.VideoFrame) and video is not None:
            place = round((frame.time or 0.0) / _TICKS)
            if place <= last:  # containers without times repeat themselves
                continue
            last = place
            picture = frame.reformat(video.width, video.height, "yuv420p")
            picture.pts, picture.time_base = place, _TICKS
            target.mux(video.encode(picture))
        elif isinstance(frame, av.AudioFrame) and audio is not None and resampler is not None:
            for run in resampler.resample(frame):
                target.mux(audio.encode(run))
    for stream in (video, audio):
        if stream is not None:
            target.mux(stream.encode(None))


def _video_like(original: VideoStream, target: OutputContainer) -> VideoStream:
    stream = target.add_stream("libx264", rate=original.average_rate or 25, options=_SHARP)
    stream.width, stream.height = original.width // 2 * 2, original.height // 2 * 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = _TICKS
    if original.sample_aspect_ratio:
        stream.codec_context.sample_aspect_ratio = original.sample_aspect_ratio
    return stream


def _audio_like(original: AudioStream, target: OutputContainer) -> AudioStream:
    stream = target.add_stream("pcm_s16le", rate=original.rate)
    stream.codec_context.layout = "mono"
    return stream
