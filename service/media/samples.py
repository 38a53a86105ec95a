"""Sound frames of any rate to 16 kHz mono on the sample grid, wherever they come from."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from service.domain import Sound
from service.errors import MediaTooLong, MediaUnreadable
from service.media.limits import MediaLimits
from service.representation import ABSENCE, SAMPLE_RATE, SAMPLES_PER_STEP

JITTER = Fraction(40, 1000)
"""Seconds by which a frame may miss the end of the one before and still follow it without a gap: containers round
times, recorders stamp packets late, and one lost packet is shorter."""

STOPPED = 2 * ABSENCE
"""Seconds without sound after which a mark no longer reaches back to it."""

SETTLED = SAMPLE_RATE // 20
"""Samples after which nothing of a resampler's beginning is left in what it gives."""

_SLOWEST, _FASTEST = 4_000, 384_000
"""Sample rates that sound is recorded at; outside of them a small packet would become a very long run."""
_SHORTEST_LEAD = 20
"""Part of a second that fills a resampler; before, it would give fewer samples when flushed."""
_LONGEST_FRAME = 10
"""Seconds; the longest frame of any codec is under one."""


@dataclass(frozen=True, slots=True)
class SamplePoint:
    """What to know to go on with one frame of a sound track, all before it being left out."""

    clock: Fraction | None = None
    """Seconds at which the frame begins unless its own time says otherwise; None before the first one."""
    next: int = 0
    """Sample that the resampler would have given first, had it begun with the last `lead` samples before the frame."""
    end: int = 0
    """Sample behind the last one given."""
    source: tuple[str, str, int] | None = None
    """Sample format, layout and rate up to here; None if no resampler is at work."""
    lead: int = 0
    """Samples that bring a fresh resampler to the same phase: what went in, less many times what repeats its phases."""

    @property
    def begin(self) -> int:
        """Sample of the grid before which nothing more will come."""
        return max(self.end, round((self.clock or 0) * SAMPLE_RATE))

    def to_json(self) -> list[object]:
        """As JSON, exactly."""
        clock = None if self.clock is None else str(self.clock)
        return [clock, self.next, self.end, None if self.source is None else list(self.source), self.lead]


def read_point(state: list[Any]) -> SamplePoint:
    """The inverse of `SamplePoint.to_json`."""
    clock, following, end, source, lead = state
    return SamplePoint(
        None if clock is None else Fraction(clock), following, end, None if source is None else tuple(source), lead
    )


class Samples:
    """Sound frames in, runs of samples out that never overlap or go back.

    Samples are whole multiples of 1/32768: what 16-bit sound can hold, so that passing it on as such loses nothing.
    """

    def __init__(self, limits: MediaLimits, point: SamplePoint | None = None, sound_from: int = 0) -> None:
        """Begin anew; or with the frame of `point`, giving nothing before sample `sound_from`."""
        point = point or SamplePoint()
        self._limits = limits
        self._clock = point.clock
        self._next = point.next
        self._end = max(point.end, sound_from)
        self._resampler: AudioResampler | None = None
        self._source = point.source
        self._base = point.next
        self._fed = 0
        self._arrived = 0.0
        if point.source is not None:
            self._resampler = _resampler()
            if point.lead:  # only the phase matters: what comes of it lies before `sound_from`
                self._next += sum(
                    len(run) for run in self._resample(self._resampler, _silence(point.source, point.lead))
                )

    @property
    def end(self) -> Fraction:
        """Seconds to the end of the last sample."""
        return Fraction(self._end, SAMPLE_RATE)

    def stopped(self, step: int) -> bool:
        """Whether no sound has come for so long before a step that nobody waits for it any more."""
        return step * SAMPLES_PER_STEP - self.point.begin > STOPPED * SAMPLE_RATE

    @property
    def point(self) -> SamplePoint:
        """How to go on with the next frame."""
        if self._resampler is None or self._source is None:
            return SamplePoint(self._clock, self._next, self._end)
        rate = self._source[2]
        period = rate // gcd(rate, SAMPLE_RATE)
        lead = self._fed - max(0, self._fed - rate // _SHORTEST_LEAD) // period * period
        skipped = (self._fed - lead) * SAMPLE_RATE // rate  # exactly
        return SamplePoint(self._clock, self._base + skipped, self._end, self._source, lead)

    def push(self, frame: AudioFrame, time: Fraction | None, arrived: float) -> Iterator[Sound]:
        """Take the next frame, whose time in seconds of media may be unknown; gives the samples that it completes."""
        rate = frame.sample_rate
        if not _SLOWEST <= rate <= _FASTEST or frame.samples > _LONGEST_FRAME * rate:
            raise MediaUnreadable("The audio stream's sample rate or frame size is out of range.")
        if self._clock is None or (time is not None and abs(time - self._clock) >= JITTER):
            yield from self.flush()
            self._clock = time if time is not None else self._clock or Fraction(0)
            if self._clock > self._limits.max_duration:
                raise MediaTooLong(f"The recording is longer than {self._limits.max_duration:g} seconds.")
            self._next = round(self._clock * SAMPLE_RATE)
        source = (frame.format.name, frame.layout.name, rate)
        if source != self._source:
            yield from self.flush()
            self._source = source
        self._clock += Fraction(frame.samples, rate)
        if self._clock > self._limits.max_duration + 1:
            raise MediaTooLong(f"The recording is longer than {self._limits.max_duration:g} seconds.")
        if self._resampler is None:
            self._resampler = _resampler()
            self._base, self._fed = self._next, 0
        self._arrived = arrived
        yield from self._give(self._resample(self._resampler, frame))

    def flush(self) -> Iterator[Sound]:
        """What the resampler still holds; the next frame meets a fresh one."""
        if self._resampler is not None:
            runs = self._resample(self._resampler, None)
            self._resampler = None
            yield from self._give(runs)

    def _resample(self, resampler: AudioResampler, frame: AudioFrame | None) -> list[NDArray[np.float32]]:
        if frame is not None:
            self._fed += frame.samples
            frame.pts = None  # time is kept here, by counting samples
        try:
            runs = [run for run in resampler.resample(frame) if run is not None]
        except (av.FFmpegError, ValueError) as error:
            raise MediaUnreadable("The audio stream cannot be converted.") from error
        return [np.frombuffer(memoryview(run.planes[0]), np.float32, run.samples) for run in runs]

    def _give(self, runs: list[NDArray[np.float32]]) -> Iterator[Sound]:
        for run in runs:
            start = max(self._next, self._end)  # neither before time 0 nor twice
            samples = run[start - self._next :]
            self._next += len(run)
            if len(samples):
                self._end = self._next
                yield Sound(start, _to_16_bits(samples), self._arrived)


def _resampler() -> AudioResampler:
    """Several channels become their weighted mean; without a bound on the weights FFmpeg would raise the level."""
    return AudioResampler("flt", "mono", SAMPLE_RATE, options={"rematrix_maxval": "1"})


def _silence(source: tuple[str, str, int], count: int) -> AudioFrame:
    form, layout, rate = source
    frame = AudioFrame(form, layout, count)
    frame.sample_rate = rate
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def _to_16_bits(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the nearest multiple of 1/32768 that 16 bits can hold; what is no number becomes 0."""
    level = np.where(np.isfinite(samples), samples, np.float32(0))
    level = np.minimum(np.maximum(level, np.float32(-1)), np.float32(1))
    whole: NDArray[np.float32] = np.minimum(np.rint(level * np.float32(32768)), np.float32(32767))
    return whole / np.float32(32768) + np.float32(0)  # of zero, no other than +0
