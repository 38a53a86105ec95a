"""A live WebM recording of any length from a short clip: 25 pictures per second, VP8 and Opus.

The clip is encoded once; its packets then repeat for as long as wanted, written as a browser's MediaRecorder writes
them: no index, no duration, one cluster for each key frame.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
from av.audio.resampler import AudioResampler
from av.video.reformatter import VideoReformatter

RATE = 25
SIZE = (640, 480)
SOUND_RATE = 48_000
_KEY_EVERY = 2 * RATE
_CLUSTER = bytes.fromhex("1f43b675")
_UNKNOWN_SIZE = bytes.fromhex("01ffffffffffffff")


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that a recorder hands over at a media time."""

    time: float
    """Seconds from the start of the media by which all of it was recorded."""
    data: bytes


class LoopedRecording:
    """A clip that repeats. Encoding happens once, when it is made."""

    def __init__(self, clip: Path, seconds: float = 10.0, size: tuple[int, int] = SIZE) -> None:
        """Takes the first `seconds` of `clip`, which must have as much, scaled to `size` (width, height)."""
        encoded = _encode(clip, seconds, size)
        self._header = encoded[: encoded.index(_CLUSTER)]
        self._loop = round(seconds * 1000)
        with av.open(io.BytesIO(encoded), "r") as source:
            self._blocks = [
                _Block(packet.stream.index + 1, packet.stream.type == "video", packet.is_keyframe, time, bytes(packet))
                for packet in source.demux()
                if packet.size and 0 <= (time := int(packet.pts or 0)) < self._loop
            ]

    def pieces(self, seconds: float, every: float) -> Iterator[Piece]:
        """The recording for `seconds`, in pieces of `every` seconds; 0 for a piece for each packet."""
        data, due, cluster = bytearray(self._header), every, 0
        for lap in range(ceil(seconds * 1000 / self._loop)):
            for block in self._blocks:
                time = lap * self._loop + block.time
                if time >= seconds * 1000:
                    break
                if time / 1000 >= due:
                    yield Piece(time / 1000, bytes(data))
                    data.clear()
                    due = max(due + every, time / 1000)
                if block.video and block.key:
                    cluster = time
                    data += _CLUSTER + _UNKNOWN_SIZE + _element(b"\xe7", time.to_bytes(8, "big"))
                head = bytes([0x80 | block.track]) + struct.pack(">hB", time - cluster, 0x80 if block.key else 0)
                data += _element(b"\xa3", head + block.data)
        yield Piece(seconds, bytes(data))


@dataclass(frozen=True, slots=True)
class _Block:
    track: int
    video: bool
    key: bool
    time: int
    """Milliseconds."""
    data: bytes


def _element(kind: bytes, content: bytes) -> bytes:
    """An EBML element (RFC 8794)."""
    return kind + (len(content) | 1 << 28).to_bytes(4, "big") + content


def _encode(clip: Path, seconds: float, size: tuple[int, int]) -> bytes:
    """The clip as WebM of exactly this length."""
    out = io.BytesIO()
    with av.open(str(clip), "r") as source, av.open(out, "w", format="webm") as target:
        video = target.add_stream("libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "-12"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.bit_rate, video.gop_size = 1_500_000, _KEY_EVERY
        audio = target.add_stream("libopus", rate=SOUND_RATE, layout="mono")
        scaler, resampler = VideoReformatter(), AudioResampler("flt", "mono", SOUND_RATE, SOUND_RATE // 50)
        shown = 0
        for frame in source.decode(source.streams.video[0], source.streams.audio[0]):
            if isinstance(frame, av.VideoFrame):
                while shown < seconds * RATE and (frame.time or 0.0) >= shown / RATE - 1e-3:
                    picture = scaler.reformat(frame, *size, "yuv420p")
                    picture.pts, picture.time_base = shown, Fraction(1, RATE)
                    target.mux(video.encode(picture))
                    shown += 1
            elif isinstance(frame, av.AudioFrame) and (frame.time or 0.0) < seconds:
                for sound in resampler.resample(frame):
                    target.mux(audio.encode(sound))
        target.mux(video.encode(None))
        target.mux(audio.encode(None))
    if shown < seconds * RATE:
        raise ValueError(f"{clip} is shorter than {seconds:g} seconds")
    return out.getvalue()
