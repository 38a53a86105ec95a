"""Tiny recordings, written with the encoders that PyAV's wheel carries."""

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import merge
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream
from numpy.typing import NDArray

from service.domain import Media, MediaInfo, Picture, Sound
from service.media import ByteSource, MediaLimits, decode

FRAME_RATE = 25
_OPUS_DELAY = 7
"""Milliseconds that FFmpeg takes off the times in a WebM recording for the lead-in of Opus."""


@dataclass
class Clip:
    """What to write. Frame i of the video has the brightness `level(i)`; the sound is a tone."""

    container: str = "mp4"
    video: str | None = "libx264"
    audio: str | None = "aac"
    seconds: float = 1.0
    size: tuple[int, int] = (64, 48)
    video_times: Sequence[float] | None = None
    """Seconds of each frame; by default 25 per second from `video_start` on."""
    video_start: float = 0.0
    audio_start: float = 0.0
    audio_gap: tuple[float, float] | None = None
    """Seconds from and to which the sound is left out."""
    sample_rate: int = 48_000
    layout: str = "mono"
    sound: Callable[[int, int, int], NDArray[np.float32]] | None = None
    """Samples from the first on, so many, at so many per second; by default a tone."""
    audio_encoder: dict[str, str] = field(default_factory=dict)
    rotation: int = 0
    pixel_ratio: Fraction = Fraction(1)
    pictures: Callable[[int], NDArray[np.uint8]] | None = None
    """Frame i as [height, width, 3]; by default of one brightness."""
    muxer: dict[str, str] = field(default_factory=dict)
    encoder: dict[str, str] = field(default_factory=dict)


def level(index: int) -> int:
    """Brightness of frame `index`: told apart from its neighbours after lossy coding."""
    return 40 + (index * 37) % 180


def tone(first: int, count: int, rate: int) -> NDArray[np.float32]:
    """Samples `first` onwards of a 440 Hz tone at half scale."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(first, first + count) / rate)).astype(np.float32)


def voice(first: int, count: int, rate: int) -> NDArray[np.float32]:
    """Sound that is nowhere the same: gliding tones that swell and fade, and a little noise."""
    time = np.arange(first, first + count) / rate
    glide = 0.3 * np.sin(2 * np.pi * (220 * time + 20 * np.sin(2 * np.pi * 0.7 * time)))
    whistle = 0.2 * np.sin(2 * np.pi * 1300 * time) * np.sin(2 * np.pi * 1.5 * time)
    noise = 0.02 * np.random.default_rng(first).standard_normal(count)
    return np.asarray(glide + whistle + noise, np.float32)


def blocks(index: int) -> NDArray[np.uint8]:
    """Pictures of 64 x 48 that all differ and do not compress to nothing."""
    small = np.random.default_rng(index).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    return small.repeat(4, axis=0).repeat(4, axis=1)


@dataclass
class Recording:
    """All that came out of a decoder."""

    items: list[Media]
    info: MediaInfo

    @property
    def pictures(self) -> list[Picture]:
        return [item for item in self.items if isinstance(item, Picture)]

    @property
    def sounds(self) -> list[Sound]:
        return [item for item in self.items if isinstance(item, Sound)]

    @property
    def steps(self) -> list[int]:
        return [picture.step for picture in self.pictures]

    @property
    def images(self) -> list[NDArray[np.uint8]]:
        """Of the pictures that have one."""
        return [picture.image for picture in self.pictures if picture.image is not None]

    @property
    def levels(self) -> list[int]:
        """Mean brightness of each image."""
        return [round(float(image.mean())) for image in self.images]

    @property
    def runs(self) -> list[tuple[int, int]]:
        """First and end sample of each stretch of sound without a gap."""
        runs: list[tuple[int, int]] = []
        for sound in self.sounds:
            end = sound.start + len(sound.samples)
            if runs and runs[-1][1] == sound.start:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((sound.start, end))
        return runs

    @property
    def samples(self) -> NDArray[np.float32]:
        return np.concatenate([sound.samples for sound in self.sounds])


class Bytes:
    """A source that gives `data` in reads of the sizes given, over and over."""

    def __init__(self, data: bytes, sizes: Sequence[int] = (1 << 30,)) -> None:
        self.data = data
        self._sizes = sizes
        self._reads = 0
        self.position = 0

    def read(self, size: int, /) -> bytes:
        wanted = min(size, self._sizes[self._reads % len(self._sizes)])
        self._reads += 1
        chunk = self.data[self.position : self.position + wanted]
        self.position += len(chunk)
        return chunk


def write_clip(clip: Clip | None = None) -> bytes:
    """Bytes of a recording that is made on the spot."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        with _ordinary_scheduling():
            _write(clip or Clip(), path)
        return path.read_bytes()


@contextmanager
def _ordinary_scheduling() -> Iterator[None]:
    """Undo what SVT-AV1 does where it may: it puts the thread that opens it, and so every thread and process that this
    one starts later, on the real-time scheduler, where one busy process starves all the others of its core."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def read_all(source: bytes | ByteSource, limits: MediaLimits | None = None) -> Recording:
    """Decode to the end."""
    with decode(Bytes(source) if isinstance(source, bytes) else source, limits) as media:
        return Recording(list(media), media.info)


def element(name: str, content: bytes) -> bytes:
    """An EBML element (RFC 8794) with a size of eight bytes."""
    return bytes.fromhex(name) + b"\x01" + len(content).to_bytes(7, "big") + content


def matroska(track: bytes, blocks: Sequence[tuple[int, bytes]]) -> bytes:
    """A Matroska recording (RFC 9559) with blocks at any milliseconds, also such as no muxer would write."""
    number = element("D7", b"\1") + element("73C5", b"\1")
    clusters = b""
    for time, content in blocks:
        block = b"\x81" + struct.pack(">h", min(time, 0)) + b"\x80" + content
        clusters += element("1F43B675", element("E7", max(time, 0).to_bytes(8, "big")) + element("A3", block))
    return (
        element("1A45DFA3", element("4282", b"matroska"))
        + bytes.fromhex("18538067 01FFFFFFFFFFFFFF")
        + element("1549A966", element("2AD7B1", (1_000_000).to_bytes(4, "big")))
        + element("1654AE6B", element("AE", number + track))
        + clusters
    )


def as_a_browser_writes(webm: bytes) -> bytes:
    """A live WebM recording cut anew as a browser's MediaRecorder does: clusters of unknown size, each from a key frame
    to the next (without video: of two seconds), times in whole milliseconds."""
    unknown = b"\x01" + b"\xff" * 7
    out = bytearray(webm[: webm.index(bytes.fromhex("1F43B675"))])
    assert bytes.fromhex("18538067") + unknown in out
    with av.open(BytesIO(webm), "r") as container:
        videos = container.streams.video
        start = None
        for packet in container.demux():
            if packet.pts is None:
                continue
            is_video = packet.stream.type == "video"
            time = packet.pts if is_video else packet.pts + _OPUS_DELAY
            if start is None or (packet.is_keyframe if is_video else not videos and time - start >= 2000):
                start = time
                out += bytes.fromhex("1F43B675") + unknown + element("E7", time.to_bytes(8, "big"))
            flags = b"\x80" if packet.is_keyframe else b"\0"
            track = bytes([0x80 | packet.stream.index + 1])
            out += element("A3", track + struct.pack(">h", time - start) + flags + bytes(packet))
    return bytes(out)


def _write(clip: Clip, path: Path) -> None:
    with av.open(str(path), "w", format=clip.container, options=clip.muxer) as output:
        tracks = []
        if clip.video:
            tracks.append(_video(output, clip))
        if clip.audio:
            tracks.append(_audio(output, clip))
        for _, packet in merge(*tracks, key=lambda timed: timed[0]):  # in the order of time, as a recorder would
            output.mux(packet)


def _video(output: OutputContainer, clip: Clip) -> Iterator[tuple[float, "Packet[Stream]"]]:
    stream = cast(VideoStream, output.add_stream(str(clip.video), rate=FRAME_RATE, options=clip.encoder))
    stream.width, stream.height = clip.size
    stream.pix_fmt = "yuvj420p" if clip.video == "mjpeg" else "yuv420p"
    stream.codec_context.sample_aspect_ratio = clip.pixel_ratio
    stream.codec_context.thread_count = 1
    if clip.rotation:
        stream.set_display_rotation(clip.rotation)
    base = Fraction(1, FRAME_RATE) if clip.video_times is None else Fraction(1, 1000)
    stream.codec_context.time_base = base
    return _encode_video(stream, clip, base)


def _encode_video(stream: VideoStream, clip: Clip, base: Fraction) -> Iterator[tuple[float, "Packet[Stream]"]]:
    times = clip.video_times
    if times is None:
        times = [clip.video_start + i / FRAME_RATE for i in range(round(clip.seconds * FRAME_RATE))]
    width, height = clip.size
    for index, time in enumerate(times):
        picture = clip.pictures(index) if clip.pictures else np.full((height, width, 3), level(index), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        frame.pts, frame.time_base = round(time / base), base
        for packet in stream.encode(frame):
            yield time, packet
    for packet in stream.encode(None):
        yield times[-1], packet


def _audio(output: OutputContainer, clip: Clip) -> Iterator[tuple[float, "Packet[Stream]"]]:
    options = clip.audio_encoder | ({"strict": "experimental"} if clip.audio == "vorbis" else {})
    stream = cast(AudioStream, output.add_stream(str(clip.audio), rate=clip.sample_rate, options=options))
    stream.codec_context.layout = clip.layout
    return _encode_audio(stream, clip)


def _encode_audio(stream: AudioStream, clip: Clip) -> Iterator[tuple[float, "Packet[Stream]"]]:
    stream.codec_context.open(strict=False)
    rate, block = clip.sample_rate, stream.codec_context.frame_size or 1024
    converter = av.AudioResampler(stream.codec_context.format, clip.layout, rate)
    time = clip.audio_start
    for first in range(0, round(clip.seconds * rate), block):
        count = min(block, round(clip.seconds * rate) - first)
        time = clip.audio_start + first / rate
        if clip.audio_gap is not None and clip.audio_gap[0] <= time < clip.audio_gap[1]:
            continue
        channels = av.AudioLayout(clip.layout).nb_channels
        samples = np.repeat((clip.sound or tone)(first, count, rate)[None], channels, axis=0)
        frame = av.AudioFrame.from_ndarray(samples, "fltp", clip.layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = round(clip.audio_start * rate) + first
        for converted in converter.resample(frame):
            for packet in stream.encode(converted):
                yield time, packet
    for packet in stream.encode(None):
        yield time, packet
