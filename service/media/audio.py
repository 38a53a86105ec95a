"""Sound frames to 16 kHz mono on the sample grid."""

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from service.domain import Sound
from service.errors import MediaTooLong, MediaUnreadable
from service.media.decoding import Decoder
from service.media.limits import MediaLimits
from service.representation import SAMPLE_RATE

JITTER = Fraction(40, 1000)
"""Seconds by which a frame may miss the end of the one before and still follow it without a gap: containers round
times, recorders stamp packets late, and one lost packet is shorter."""

_SLOWEST, _FASTEST = 4_000, 384_000
"""Sample rates that sound is recorded at; outside of them a small packet would become a very long run."""
_LONGEST_FRAME = 10
"""Seconds; the longest frame of any codec is under one."""


class AudioTrack:
    """Decodes one audio stream and gives runs of samples that never overlap or go back."""

    def __init__(self, stream: AudioStream, origin: Fraction, limits: MediaLimits) -> None:
        if stream.time_base is None:
            raise MediaUnreadable("The audio stream has no unit of time.")
        self._decoder = Decoder[AudioFrame](stream)
        self._time_base = stream.time_base
        self._origin = origin
        self._limits = limits
        self._resampler: AudioResampler | None = None
        self._source: tuple[str, str, int] | None = None
        self._clock: Fraction | None = None
        self._next = 0
        self._end = 0

    @property
    def frames(self) -> int:
        """Frames decoded so far."""
        return self._decoder.frames

    @property
    def end(self) -> Fraction:
        """Seconds to the end of the last sample."""
        return Fraction(self._end, SAMPLE_RATE)

    def push(self, packet: "Packet[Stream] | None") -> Iterator[Sound]:
        """Take the next packet, None at the end of the stream; gives the samples that it completes."""
        for frame in self._decoder.decode(packet):
            yield from self._take(frame)
        if packet is None:
            yield from self._flush()

    def _take(self, frame: AudioFrame) -> Iterator[Sound]:
        rate = frame.sample_rate
        if not _SLOWEST <= rate <= _FASTEST or frame.samples > _LONGEST_FRAME * rate:
            raise MediaUnreadable("The audio stream's sample rate or frame size is out of range.")
        time = None if frame.pts is None else frame.pts * self._time_base - self._origin
        if self._clock is None or (time is not None and abs(time - self._clock) >= JITTER):
            yield from self._flush()
            self._clock = time if time is not None else self._clock or Fraction(0)
            if self._clock > self._limits.max_duration:
                raise MediaTooLong(f"The recording is longer than {self._limits.max_duration:g} seconds.")
            self._next = round(self._clock * SAMPLE_RATE)
        source = (frame.format.name, frame.layout.name, rate)
        if source != self._source:
            yield from self._flush()
            self._source = source
        self._clock += Fraction(frame.samples, rate)
        if self._clock > self._limits.max_duration + 1:
            raise MediaTooLong(f"The recording is longer than {self._limits.max_duration:g} seconds.")
        yield from self._resample(frame)

    def _flush(self) -> Iterator[Sound]:
        """What the resampler still holds; the next frame meets a fresh one."""
        if self._resampler is not None:
            yield from self._resample(None)
            self._resampler = None

    def _resample(self, frame: AudioFrame | None) -> Iterator[Sound]:
        if self._resampler is None:
            # Several channels become their weighted mean; without a bound on the weights FFmpeg would raise the level.
            self._resampler = AudioResampler("flt", "mono", SAMPLE_RATE, options={"rematrix_maxval": "1"})
        if frame is not None:
            frame.pts = None  # time is kept here, by counting samples
        try:
            runs = [run.to_ndarray()[0] for run in self._resampler.resample(frame) if run is not None]
        except (av.FFmpegError, ValueError) as error:
            raise MediaUnreadable("The audio stream cannot be converted.") from error
        for run in runs:
            start = max(self._next, self._end)  # neither before time 0 nor twice
            samples = run[start - self._next :]
            self._next += len(run)
            if len(samples):
                self._end = self._next
                clean = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
                yield Sound(start, np.clip(clean, -1.0, 1.0))
