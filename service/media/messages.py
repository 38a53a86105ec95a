"""Messages of one kind to pictures, or to sound, on their grids."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from service.domain import FrameCounts, Picture, Sound
from service.errors import AttuneError, InvalidFrame, MediaTooLong, OutOfOrder, RateLimited
from service.media.images import Scaler
from service.media.limits import MediaLimits
from service.media.live import Live
from service.media.mark import lost
from service.media.pictures import Pictures, Seam, read_seam
from service.media.places import Trail
from service.media.samples import SETTLED, SamplePoint, Samples, read_point
from service.media.stills import Still
from service.protocol.frames import FrameMessage
from service.representation import ABSENCE, STEP_RATE

Report = Callable[[AttuneError], None]
"""Is told of every message that is passed over."""

_NANOSECONDS = 10**9
_DURATION = Fraction(1, STEP_RATE)
"""Seconds for which the last picture is on show."""
_STOPPED = Fraction(ABSENCE) + _DURATION
"""Seconds after its time from which on the last picture is on show no more."""
_GONE = 3 * Fraction(ABSENCE) + 2 * _DURATION
"""Seconds of sound behind the last picture after which no more pictures are expected. By then nobody waits for the
steps for which it is held, nor, having got them, would wait for more: when they are given makes no difference."""
_LONGEST_SOUND = 10
"""Seconds of sound in one message."""


class _Cue:
    """From which message of a replay on a stream is read: what comes sooner was dealt with before."""

    def __init__(self, state: dict[str, Any] | None) -> None:
        self._at: int | None = None if state is None else state["at"]
        self._after: int | None = None if state is None or self._at is not None else state["after"]

    @property
    def waiting(self) -> bool:
        return self._at is not None or self._after is not None

    def hides(self, sequence: int) -> bool:
        """Whether the message of this stream with this number is not to be read."""
        if self._at == sequence:
            self._at = None
        return self.waiting

    def passed(self, sequence: int) -> None:
        """Take note of a message of either stream that has been dealt with. Raises `MediaUnreadable` where the one that
        is waited for cannot come any more."""
        if self._after == sequence:
            self._after = None
        wanted = self._after if self._at is None else self._at
        if wanted is not None and sequence >= wanted:
            raise lost()

    def finish(self) -> None:
        """The end of the replay. Raises `MediaUnreadable` where the message that is waited for did not come."""
        if self.waiting:
            raise lost()


@dataclass(frozen=True, slots=True)
class _PicturePoint:
    """An accepted picture, and what to know to begin with it."""

    sequence: int
    number: int
    second: int
    """The whole second of media into which the newest picture before it fell."""
    in_second: int
    """How many pictures did."""


class PictureMessages:
    """Pictures of a session; refusals are raised before anything changes."""

    def __init__(self, limits: MediaLimits, live: Live | None, report: Report, state: dict[str, Any] | None) -> None:
        """Begin anew, or as the `state` of `mark` says."""
        self._limits = limits
        self._report = report
        self._scaler = Scaler()
        self._time: Fraction | None = None
        self._second, self._in_second = 0, 0
        self._points = Trail[_PicturePoint]()
        self._pictures = Pictures(live)
        self._now = 0.0
        self._rested = False
        self.cue = _Cue(state)
        self.end = Fraction(0)
        """Seconds to the end of the last picture."""
        self.size = (0, 0)
        """Width and height of the first picture on show: upright, before scaling down."""
        if state is not None:
            self._pictures = Pictures(live, read_seam(state["seam"]), state["number"])
            self._time = None if state["time"] is None else Fraction(state["time"])
            self._rested = self._time is not None
            self._second, self._in_second = state["second"]
            self.end, self.size = Fraction(state["end"]), (state["size"][0], state["size"][1])

    @property
    def counts(self) -> FrameCounts:
        """What became of the pictures."""
        return self._pictures.counts

    @property
    def received(self) -> int:
        """Pictures so far, refused ones included."""
        return self._pictures.number

    def push(self, message: FrameMessage, arrived: float) -> Iterator[Picture]:
        """Take the next picture; gives what it settles.

        Raises `OutOfOrder`, `RateLimited` and `InvalidFrame`, all before anything is given, and `MediaTooLong`.
        """
        time = Fraction(message.time, _NANOSECONDS)
        if time > self._limits.max_duration:
            raise MediaTooLong(f"The session's media are longer than {self._limits.max_duration:g} seconds.")
        if self._time is not None and time < self._time:
            raise OutOfOrder("The picture's time is before that of the picture before it.")
        second = int(time)
        earlier = self._in_second if second == self._second else 0
        if earlier + 1 > self._limits.max_frame_rate:
            raise RateLimited(f"More than {self._limits.max_frame_rate:g} pictures fall into this second of media.")
        if message.rate:
            raise InvalidFrame("A picture has no sample rate.")
        still = Still(message.payload, self._limits)
        if self._points.wants(time):
            point = _PicturePoint(message.sequence, self._pictures.number, self._second, self._in_second)
            self._points.add(time, point)
        self._time, self._second, self._in_second = time, second, earlier + 1
        self.end, self._now, self._rested = time + _DURATION, arrived, False
        render = partial(self._render, still, message.sequence)
        yield from self._pictures.push(time, _DURATION, render, arrived, arrived)

    def refuse(self) -> bool:
        """Count a picture that is passed over; tells whether it had not been counted before a session was resumed."""
        return self._pictures.reject()

    def rest(self, until: Fraction, now: float) -> Iterator[Picture]:
        """Take note that sound has come up to `until` seconds, at the time `now`.

        Long after the last picture this settles what it is held for, so that a mark need not reach back to it.
        """
        if self._time is not None and not self._rested and until > self._time + _GONE:
            self._rested = True
            yield from self._pictures.rest(now)

    def finish(self) -> Iterator[Picture]:
        """The pictures that are still held. Raises `MediaUnreadable` where a replay was not that of the checkpoint."""
        self.cue.finish()
        return self._pictures.finish(self._now)

    def mark(self, step: int, last: int) -> tuple[int, dict[str, object]] | None:
        """From which message on all pictures from `step` on come again, and the state for it; `last` was the last one.

        None where that is not known any more.
        """
        if self.cue.waiting:
            return None
        seam = self._pictures.seam(step)
        if seam is None:
            return None
        state: dict[str, object] = {"end": str(self.end), "size": list(self.size)}
        stopped = self._time is not None and self._rested and Fraction(step, STEP_RATE) > self._time + _STOPPED
        if self._time is None or (stopped and self.counts.received == self.received):
            if stopped:  # nothing of the last picture is on show any more
                seam = Seam(seam.step, self.counts)
            state |= {"seam": seam.to_json(), "time": None if self._time is None else str(self._time)}
            second = [self._second, self._in_second]
            return last, state | {"at": None, "after": last, "number": self.received, "second": second}
        point = self._points.newest(lambda one: one.number <= seam.needed)
        if point is None:
            return None
        second = [point.second, point.in_second]
        state |= {"seam": seam.to_json(), "time": None}
        return point.sequence, state | {"at": point.sequence, "number": point.number, "second": second}

    def _render(self, still: Still, sequence: int) -> NDArray[np.uint8] | None:
        try:
            image = still.decode(self._scaler)
        except InvalidFrame as error:
            error.sequence = sequence
            self._report(error)
            return None
        if self.size == (0, 0):
            self.size = still.size
        return image


@dataclass(frozen=True, slots=True)
class _SoundPoint:
    """An accepted run of samples, and what to know to begin with it."""

    sequence: int
    samples: SamplePoint


class SoundMessages:
    """Sound of a session; refusals are raised before anything changes."""

    def __init__(self, limits: MediaLimits, state: dict[str, Any] | None) -> None:
        """Begin anew, or as the `state` of `mark` says."""
        self._time = None if state is None or state["time"] is None else Fraction(state["time"])
        self._resumed = state is not None and state["point"] is not None
        self._taken = Fraction(0)
        self._points = Trail[_SoundPoint]()
        self.cue = _Cue(state)
        point = None if state is None or state["point"] is None else read_point(state["point"])
        self._samples = Samples(limits, point, 0 if state is None else state["from"])

    @property
    def end(self) -> Fraction:
        """Seconds to the end of the last sample."""
        return self._samples.end

    @property
    def begun(self) -> bool:
        """Whether any sound came."""
        return self._time is not None or self._resumed

    def push(self, message: FrameMessage, arrived: float) -> Iterator[Sound]:
        """Take the next run of samples; gives those of 16 kHz that it completes.

        Raises `OutOfOrder` and `InvalidFrame`, both before anything is given, and `MediaTooLong`.
        """
        time = Fraction(message.time, _NANOSECONDS)
        if self._time is not None and time < self._time:
            raise OutOfOrder("The time of the sound is before that of the sound before it.")
        samples = np.frombuffer(message.payload, "<i2").astype(np.int16)
        if len(samples) > _LONGEST_SOUND * message.rate:
            raise InvalidFrame(f"A message may hold {_LONGEST_SOUND} seconds of sound.")
        if self._points.wants(self._taken):
            self._points.add(self._taken, _SoundPoint(message.sequence, self._samples.point))
        self._time = time
        self._taken += Fraction(len(samples), message.rate)
        frame = AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = message.rate
        yield from self._samples.push(frame, time, arrived)

    def finish(self) -> Iterator[Sound]:
        """What is still held. Raises `MediaUnreadable` where a replay was not that of the checkpoint."""
        self.cue.finish()
        return self._samples.flush()

    def mark(self, step: int, sound_from: int, last: int) -> tuple[int, dict[str, object]] | None:
        """From which message on all samples from `sound_from` on come again; otherwise as `PictureMessages.mark`.

        Where the sound has stopped long before `step` nothing of it is asked for again.
        """
        if self.cue.waiting:
            return None
        state: dict[str, object] = {"from": sound_from, "time": None}
        if not self.begun:
            return last, state | {"at": None, "after": last, "point": None}
        if self._samples.stopped(step):
            point = self._samples.point
            state |= {"from": max(sound_from, point.begin), "time": None if self._time is None else str(self._time)}
            return last, state | {"at": None, "after": last, "point": point.to_json()}
        first = self._points.first
        known = self._points.newest(lambda one: one is first or one.samples.begin + SETTLED <= sound_from)
        if known is None:
            return None
        return known.sequence, state | {"at": known.sequence, "point": known.samples.to_json()}
