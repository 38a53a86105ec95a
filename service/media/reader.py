"""From the bytes of a recording to timed pictures and sound."""

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
from av.packet import Packet
from av.stream import Stream

from service.domain import FrameCounts, Media, MediaInfo, ResumePoint
from service.errors import MediaUnreadable, NoMedia
from service.media.audio import AudioTrack
from service.media.container import Opened, Reopening, open_media, truncated
from service.media.limits import MediaLimits
from service.media.live import Live
from service.media.mark import Mark
from service.media.places import Place
from service.media.rejoin import Rejoined
from service.media.restarts import MAX_INIT
from service.media.source import ByteSource, MediaSource
from service.media.video import VideoTrack

_MAX_ERRORS = 100
"""Damaged places in a container that are skipped before it is given up."""


class MediaReader:
    """Pictures and sound of one recording in the order of its packets; made by `decode`.

    A context manager: entering reads as much as it takes to know the streams. Iterate once. Every refusal and failure
    is an `AttuneError`, raised on entering or by the iteration, which may have given media before it.
    """

    def __init__(
        self,
        source: ByteSource,
        limits: MediaLimits,
        spool_dir: Path | None,
        size: int | None,
        live: Live | None,
        resume: ResumePoint | None,
    ) -> None:
        self._state: dict[str, Any] = {"video": None, "audio": None}
        self._again: Reopening | None = None
        if resume is not None:
            self._state = json.loads(resume.state)["media"]
            self._again = Reopening(resume.init_bytes, Fraction(self._state["origin"]), tuple(self._state["streams"]))
            source = Rejoined(source, self._state["container"], resume.init_bytes, resume.replay_from)
        self._source = MediaSource(source, limits.max_bytes, size)
        self._limits = limits
        self._spool_dir = spool_dir
        self._live = live
        self._stack = ExitStack()
        self._opened: Opened | None = None
        self._video: VideoTrack | None = None
        self._audio: AudioTrack | None = None
        self._media: Iterator[Media] = iter(())
        self._kept_from = 0 if resume is None else resume.replay_from

    def __enter__(self) -> "MediaReader":
        with ExitStack() as stack:
            opened = open_media(self._source, self._limits, self._spool_dir, stack, self._again)
            video, audio = self._state["video"], self._state["audio"]
            if opened.video is not None:
                self._video = VideoTrack(opened.video, opened.origin, self._limits, self._live, video)
            if opened.audio is not None:
                self._audio = AudioTrack(opened.audio, opened.origin, self._limits, audio)
            media = self._read(opened)
            stack.callback(media.close)
            self._opened = opened
            self._media = media
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Media]:
        return self._media

    @property
    def has_video(self) -> bool:
        """Whether there is a video stream (cover art is none)."""
        return self._video is not None

    @property
    def has_audio(self) -> bool:
        """Whether there is an audio stream."""
        return self._audio is not None

    @property
    def info(self) -> MediaInfo:
        """What has been read so far."""
        tracks = [track for track in (self._video, self._audio) if track is not None]
        width, height = self._video.size if self._video is not None else (0, 0)
        return MediaInfo(
            duration=float(max((track.end for track in tracks), default=0)),
            frames=self._video.frames if self._video is not None else 0,
            width=width,
            height=height,
            has_video=self.has_video,
            has_audio=self.has_audio,
        )

    @property
    def counts(self) -> FrameCounts:
        """What became of the frames so far, as if every one that was given had been measured.

        A frame counts as received once its fate is known, so the parts add up at any time.
        """
        return self._video.counts if self._video is not None else FrameCounts()

    def mark(self, step: int, sound_from: int) -> Mark | None:
        """How to give, once more, each picture from `step` on and each sample from `sound_from` on.

        None where this container cannot be read from its middle (only Matroska, WebM and MP4 in fragments can), or
        where that was too long ago: `step` may be some seconds behind the newest picture, `sound_from` some more, and
        what lies before the `replay_from` of an earlier mark nobody keeps any more.
        """
        opened = self._opened
        if opened is None or opened.restarts is None:
            return None
        video = (None, None) if self._video is None else self._video.mark(step)
        audio = (None, None) if self._audio is None else self._audio.mark(step, sound_from)
        if video is None or audio is None:
            return None
        places = [place for place, _ in (video, audio) if place is not None]
        if not places or min(places) < self._kept_from or not 0 < (opened.restarts.init_bytes or 0) <= MAX_INIT:
            return None
        self._kept_from = min(places)
        state: dict[str, object] = {
            "container": opened.name,
            "origin": str(opened.origin),
            "streams": [None if stream is None else stream.index for stream in (opened.video, opened.audio)],
            "video": video[1],
            "audio": audio[1],
        }
        return Mark(min(places), opened.restarts.init_bytes or 0, state)

    def _read(self, opened: Opened) -> Generator[Media]:
        for packet in self._packets(opened):
            place = self._place(packet, opened)
            if self._video is not None and packet.stream is opened.video:
                yield from self._video.push(packet, place)
            elif self._audio is not None:
                yield from self._audio.push(packet, place)
        self._source.check()
        if self._source.received < opened.announced:
            raise truncated()
        tracks = [track for track in (self._video, self._audio) if track is not None]
        for track in tracks:
            yield from track.finish()
        if not any(track.frames for track in tracks):
            raise NoMedia("The container holds neither a picture nor a sample of sound.")

    def _place(self, packet: "Packet[Stream]", opened: Opened) -> Place:
        position = packet.pos if packet.pos is not None else -1
        restart = opened.restarts.before(position) if opened.restarts is not None else None
        return Place(position, restart, self._source.arrival(position + packet.size - 1) if position >= 0 else 0.0)

    def _packets(self, opened: Opened) -> "Iterator[Packet[Stream]]":
        """Packets of the chosen streams. Damaged places are skipped up to a bound; one at the end is the end."""
        for _ in range(_MAX_ERRORS):
            advanced = False
            try:
                for packet in opened.container.demux(*opened.streams):
                    self._source.check()
                    advanced = True
                    if packet.size:
                        yield packet
                    elif packet.dts is None:
                        # PyAV's sign of the end; read on, it fails for streams that appeared on the way. Other empty
                        # packets are slots without a picture; the decoder would take them for the end.
                        return
            except av.FFmpegError:
                if advanced or not self._source.ended:
                    continue
            return
        raise MediaUnreadable("The container is damaged in many places.")


def decode(
    source: ByteSource,
    limits: MediaLimits | None = None,
    *,
    spool_dir: Path | None = None,
    size: int | None = None,
    live: Live | None = None,
    resume: ResumePoint | None = None,
) -> MediaReader:
    """Decode a recording whose bytes may still be arriving.

    `source` is read front to back, never sought; how its reads are cut makes no difference to what comes out. A file
    that cannot be read that way (ISO files with the index at the end, or with streams that lie far apart) goes to a
    bounded temporary file without a name in `spool_dir` (the system's folder by default).

    `size` is an upper bound on the bytes of the source, where one is known: a file whose index comes first and
    announces more is then refused as truncated on entering, otherwise once its bytes have ended.

    Pictures: one for each step of the 25 Hz grid while there is video, see `service.media.grid`; RGB, upright, square
    pixels, the longer side at most 1280. Sound: 16 kHz mono in runs that keep their time. Time 0 is the start of the
    container's first stream.
    """
    return MediaReader(source, limits if limits is not None else MediaLimits(), spool_dir, size, live, resume)
