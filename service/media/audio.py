"""Packets of an audio stream to 16 kHz mono on the sample grid."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Stream

from service.domain import Sound
from service.errors import MediaUnreadable
from service.media.decoding import Decoder
from service.media.limits import MediaLimits
from service.media.mark import lost
from service.media.places import Place, Trail
from service.media.samples import SETTLED, SamplePoint, Samples, read_point

PRE_ROLL = Fraction(1, 2)
"""Seconds of sound that a decoder which starts anew hears before what it gives is used; Opus asks for 80 ms."""

RENEWAL = 2
"""Seconds of a container's time after which a fresh AAC decoder takes over. AAC may leave bands to be filled with
noise, and FFmpeg's generator of it runs on for ever: what it gives would depend on where decoding began."""

_PRIMING = 8
"""Times that a decoder hears the first packet after a long silence, where none before it can be had: enough for what
an Opus decoder leaves out at its start, which would make the sound start at another time."""

_LEAD = 3
"""Packets that the fresh decoder reads first, unheard; each AAC packet overlaps with one before it."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A packet of sound."""

    place: Place
    lace: int
    """How many packets before it have the same position."""
    decoded: Fraction
    """Seconds of sound decoded before it."""
    samples: SamplePoint | None
    """How to go on with it; None where that is not known, since decoding began shortly before."""


class AudioTrack:
    """Decodes one audio stream and gives runs of samples that never overlap or go back."""

    def __init__(
        self, stream: AudioStream, origin: Fraction, limits: MediaLimits, state: dict[str, Any] | None = None
    ) -> None:
        """Begin anew, or as the `state` of `mark` says."""
        if stream.time_base is None:
            raise MediaUnreadable("The audio stream has no unit of time.")
        self._decoder = Decoder[AudioFrame](stream)
        # Only of plain AAC can every packet be decoded from two: its extensions have parameters that come now and then.
        self._renews = stream.codec_context.name == "aac" and stream.codec_context.profile == "LC"
        self._lead: deque[Packet[Stream]] = deque(maxlen=_LEAD)
        self._period: int | None = None
        self._pre_roll = PRE_ROLL + RENEWAL if self._renews else PRE_ROLL
        self._time_base = stream.time_base
        self._origin = origin
        self._trail = Trail[_Point]()
        self._decoded = Fraction(0)
        self._position, self._lace, self._arrived = -1, 0, 0.0
        self._wanted: tuple[int, int] | None = None
        self._after = -1
        self._joined = False
        """Whether decoding began behind the start of the stream, with nothing before that could be heard again."""
        point = None
        if state is not None and state["point"] is not None:
            point = read_point(state["point"])
            if state["at"] is not None:
                self._wanted = (state["at"][0], state["at"][1])
            else:
                self._after = self._position = state["after"]
        self._samples = Samples(limits, point, 0 if state is None else state["from"])

    @property
    def frames(self) -> int:
        """Frames decoded so far."""
        return self._decoder.frames

    @property
    def end(self) -> Fraction:
        """Seconds to the end of the last sample."""
        return self._samples.end

    def push(self, packet: "Packet[Stream]", place: Place) -> Iterator[Sound]:
        """Take the next packet; gives the samples that it completes."""
        if place.position <= self._after:
            return
        if self._after >= 0:
            self._after, self._joined = -1, True
            packet = _bare(packet)
            for _ in range(_PRIMING):
                self._decoder.decode(packet)
        self._lace = self._lace + 1 if place.position == self._position else 0
        self._position = place.position
        self._arrived = place.arrived
        self._note(place)
        if self._renews and packet.pts is not None:
            self._renew(packet, floor(packet.pts * self._time_base / RENEWAL))
        for frame in self._decoder.decode(packet):
            self._decoded += Fraction(frame.samples, max(1, frame.sample_rate))
            if self._wanted is None:
                yield from self._samples.push(frame, self._time(frame), place.arrived)

    def finish(self) -> Iterator[Sound]:
        """The end of the stream; gives what is still held."""
        if self._wanted is not None:
            raise lost()
        for frame in self._decoder.decode(None):
            yield from self._samples.push(frame, self._time(frame), self._arrived)
        yield from self._samples.flush()

    def mark(self, step: int, sound_from: int) -> tuple[int | None, dict[str, object]] | None:
        """Where to begin so that all samples from `sound_from` on come again, and the state for it.

        Position None: anywhere up to here, since no packet has come yet, or none for long before `step`. None instead
        of both: not any more.
        """
        state: dict[str, object] = {"at": None, "after": self._position, "from": sound_from, "point": None}
        if self._wanted is not None:
            return None
        if self._position < 0:
            return None, state
        if self._samples.stopped(step):
            now = self._samples.point
            return None, state | {"from": max(sound_from, now.begin), "point": now.to_json()}
        first = self._trail.first
        point = self._trail.newest(
            lambda one: one.samples is not None and (one is first or one.samples.begin + SETTLED <= sound_from)
        )
        if point is None or point.samples is None:
            return None
        enough = point.decoded - self._pre_roll
        before = self._trail.newest(lambda one: one.decoded <= enough) or (None if self._joined else first)
        if before is None or before.place.restart is None:
            return None
        state |= {"at": [point.place.position, point.lace], "point": point.samples.to_json()}
        return before.place.restart, state

    def _note(self, place: Place) -> None:
        wanted = self._wanted == (place.position, self._lace)
        if wanted:
            self._wanted = None
        elif self._wanted is not None and place.position > self._wanted[0]:
            raise lost()
        if wanted or self._trail.wants(self._decoded):
            samples = self._samples.point if self._wanted is None else None
            self._trail.add(self._decoded, _Point(place, self._lace, self._decoded, samples))

    def _renew(self, packet: "Packet[Stream]", period: int) -> None:
        if self._period is not None and period != self._period:
            self._decoder.renew(self._lead)
        self._period = period
        self._lead.append(packet)

    def _time(self, frame: AudioFrame) -> Fraction | None:
        return None if frame.pts is None else frame.pts * self._time_base - self._origin


def _bare(packet: "Packet[Stream]") -> "Packet[Stream]":
    """A packet without FFmpeg's note that the sound begins with it, of which a part is to be left out."""
    bare: Packet[Stream] = Packet(bytes(packet))
    bare.pts, bare.dts, bare.time_base = packet.pts, packet.dts, packet.time_base
    return bare
