"""Video frames to pictures on the grid."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from math import ceil, cos, radians, sin
from typing import Any, cast

import numpy as np
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from service.domain import FrameCounts, Picture
from service.errors import FrameRateTooHigh, MediaTooLong, MediaUnreadable
from service.media.container import check_pixels
from service.media.decoding import Decoder
from service.media.grid import TOLERANCE
from service.media.images import Scaler, turn
from service.media.limits import MediaLimits
from service.media.live import Live
from service.media.mark import lost
from service.media.pictures import Pictures, read_seam
from service.media.places import Place, Trail
from service.representation import ABSENCE

_USUAL_DURATION = Fraction(1, 25)
_MOST_COMING = 64
"""Packets in a decoder at once; no codec holds back more than 16 frames."""
_WIDEST_PIXEL = 8
"""Pixel aspect ratios beyond it, or below its inverse, are damage."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A key frame: nothing before its packet matters to what the decoder gives from it on."""

    place: Place
    pts: int
    number: int


class VideoTrack:
    """Decodes one video stream and gives the pictures of the grid."""

    def __init__(
        self,
        stream: VideoStream,
        origin: Fraction,
        limits: MediaLimits,
        live: Live | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        """Begin anew, or as the `state` of `mark` says."""
        if stream.time_base is None:
            raise MediaUnreadable("The video stream has no unit of time.")
        self._stream = stream
        self._decoder = Decoder[VideoFrame](stream)
        self._time_base = stream.time_base
        self._origin = origin
        self._limits = limits
        self._converter = _Converter(stream)
        self._recent: deque[Fraction] = deque(maxlen=ceil(limits.max_frame_rate))
        self._next_time: Fraction | None = None
        self._first_slot: int | None = None
        self._delay: int | None = None
        self._now = 0.0
        self._begun = False
        self._coming: dict[int, tuple[Place, bool]] = {}
        self._keys = Trail[_Key]()
        key = None if state is None else state["key"]
        self._wanted: int | None = None if key is None else key["position"]
        self._from_pts: int | None = None if key is None else key["pts"]
        self.end = Fraction(0)
        """Seconds to the end of the last frame."""
        self.size = (0, 0)
        """Width and height of the first picture: upright, square pixels, before scaling down."""
        if state is None or key is None:
            self._pictures = Pictures(live)
        else:
            self._pictures = Pictures(live, read_seam(state["seam"]), key["number"])
            self.end, self.size = Fraction(state["end"]), (state["size"][0], state["size"][1])

    @property
    def frames(self) -> int:
        """Frames decoded so far."""
        return self._pictures.number

    @property
    def counts(self) -> FrameCounts:
        """What became of them."""
        return self._pictures.counts

    def push(self, packet: "Packet[Stream]", place: Place) -> Iterator[Picture]:
        """Take the next packet; gives the pictures that it settles."""
        if self._wanted is not None:
            if place.position < self._wanted:
                return
            if place.position > self._wanted:
                raise lost()
            self._wanted = None
        self._begun = True
        self._now = place.arrived
        if self._first_slot is None:
            self._first_slot = packet.dts
        if packet.pts is not None:
            self._coming[packet.pts] = (place, bool(packet.is_keyframe))
            if len(self._coming) > _MOST_COMING:
                del self._coming[next(iter(self._coming))]
        yield from self._take(self._decoder.decode(packet))

    def finish(self) -> Iterator[Picture]:
        """The end of the stream; gives the pictures that are still held."""
        if self._wanted is not None:
            raise lost()
        yield from self._take(self._decoder.decode(None))
        yield from self._pictures.finish(self._now)

    def mark(self, step: int) -> tuple[int | None, dict[str, object]] | None:
        """Where to begin so that all pictures from `step` on come again, and the state for it.

        Position None: anywhere up to here, no packet has come yet. None instead of both: not any more.
        """
        if not self._begun:
            return (None, {"key": None}) if self._wanted is None else None
        seam = self._pictures.seam(step)
        key = None if seam is None else self._keys.newest(lambda one: one.number <= seam.needed)
        if seam is None or key is None or key.place.restart is None:
            return None
        return key.place.restart, {
            "key": {"position": key.place.position, "pts": key.pts, "number": key.number},
            "seam": seam.to_json(),
            "end": str(self.end),
            "size": list(self.size),
        }

    def _take(self, frames: list[VideoFrame]) -> Iterator[Picture]:
        context = self._stream.codec_context
        check_pixels(context.width, context.height, self._limits)  # before more frames of a new size are decoded
        for frame in frames:
            check_pixels(frame.width, frame.height, self._limits)
            if self._from_pts is not None:
                if frame.pts is None or frame.pts < self._from_pts:
                    continue  # on show before the key frame, though decoded after it
                if frame.pts != self._from_pts:
                    raise lost()
                self._from_pts = None
            if self.size == (0, 0):
                self.size = self._converter.upright_size(frame)
            time, duration = self._times(frame)
            render = partial(self._converter.convert, frame)
            yield from self._pictures.push(time, duration, render, self._arrived(frame, time), self._now)

    def _arrived(self, frame: VideoFrame, time: Fraction) -> float:
        """When the frame's packet arrived. A key frame that the grid takes is remembered."""
        coming = None if frame.pts is None else self._coming.pop(frame.pts, None)
        if frame.pts is None or coming is None:
            return self._now
        place, is_key = coming
        if is_key and frame.key_frame and self._pictures.takes(time):
            self._keys.add(time, _Key(place, frame.pts, self._pictures.number))
        return place.arrived

    def _times(self, frame: VideoFrame) -> tuple[Fraction, Fraction]:
        """Time and duration of a frame in seconds, where they are missing taken from its predecessor.

        Containers without presentation times (AVI) list frames in the order of decoding, one slot each. A frame's dts
        is the slot of the packet that pushed it out of the decoder: late by as many slots as the decoder holds back.
        """
        stamp = frame.pts
        if stamp is None and frame.dts is not None:
            if self._delay is None:
                self._delay = frame.dts - (self._first_slot or 0)
            stamp = frame.dts - self._delay
        if stamp is not None:
            time = stamp * self._time_base - self._origin
        else:
            time = self._next_time if self._next_time is not None else Fraction(0)
        duration = frame.duration * self._time_base
        if not 0 < duration <= ABSENCE:
            duration = _USUAL_DURATION
        if time > self._limits.max_duration:
            raise MediaTooLong(f"The recording is longer than {self._limits.max_duration:g} seconds.")
        self._next_time = time + duration
        self.end = max(self.end, self._next_time)
        self._check_rate(time)
        return time, duration

    def _check_rate(self, time: Fraction) -> None:
        """Frames whose time does not advance count as well: time is what a caller could forge."""
        latest = max(time, self._recent[-1]) if self._recent else time
        if len(self._recent) == self._recent.maxlen and latest - self._recent[0] < 1 - 4 * TOLERANCE:
            raise FrameRateTooHigh(f"More than {self._limits.max_frame_rate:g} pictures per second.")
        self._recent.append(latest)


class _Converter:
    """Frames to upright RGB images with square pixels."""

    def __init__(self, stream: VideoStream) -> None:
        ratio = stream.sample_aspect_ratio or Fraction(1)
        self._pixel_ratio = ratio if Fraction(1, _WIDEST_PIXEL) <= ratio <= _WIDEST_PIXEL else Fraction(1)
        self._scaler = Scaler()

    def upright_size(self, frame: VideoFrame) -> tuple[int, int]:
        width, height = self._square(frame)
        return (height, width) if _orientation(frame)[0] else (width, height)

    def convert(self, frame: VideoFrame) -> NDArray[np.uint8]:
        width, height = self._square(frame)
        return turn(self._scaler.convert(frame, width, height), *_orientation(frame))

    def _square(self, frame: VideoFrame) -> tuple[int, int]:
        """Width and height with square pixels: the longer way round, so that no detail is lost."""
        ratio = self._pixel_ratio
        if ratio >= 1:
            return round(frame.width * ratio), frame.height
        return frame.width, round(frame.height / ratio)


def _orientation(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """How to turn a picture upright: transpose it, then mirror it left to right, then top to bottom.

    A display matrix (ISO/IEC 14496-12, 6.2.2) maps the pixel (x, y) to (a x + c y, b x + d y); angles other than
    multiples of 90 degrees are taken as the nearest one.
    """
    if not frame.rotation:
        return False, False, False
    try:
        matrix = cast(Mapping[str, SideData], frame.side_data)["DISPLAYMATRIX"]
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
    except (KeyError, ValueError):  # PyAV fails for a frame with any side data that it does not know
        angle = radians(frame.rotation)  # counterclockwise
        a, b, c, d = cos(angle), -sin(angle), sin(angle), cos(angle)
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0
