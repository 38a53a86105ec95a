"""Pictures and sound that come as messages, one frame or one run of samples each."""

import json
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Any

from service.domain import FrameCounts, Media, MediaInfo, ResumePoint
from service.errors import AttuneError, InvalidMessage, NoMedia, OutOfOrder
from service.media.limits import MediaLimits
from service.media.live import Live
from service.media.mark import Mark
from service.media.messages import PictureMessages, Report, SoundMessages
from service.protocol.frames import FrameMessage

Timed = tuple[FrameMessage, float]
"""A message, and when it arrived on the monotonic clock; 0 where nobody noted it."""


class FrameReader:
    """Pictures and sound of the messages of one session; made by `decode_frames`. Used as a `MediaReader` is."""

    def __init__(
        self,
        messages: Iterator[Timed],
        limits: MediaLimits,
        live: Live | None,
        resume: ResumePoint | None,
        report: Report,
    ) -> None:
        state: dict[str, Any] = {"pictures": None, "sound": None}
        if resume is not None:
            state = json.loads(resume.state)["media"]
        self._messages = messages
        self._report = report
        self._pictures = PictureMessages(limits, live, report, state["pictures"])
        self._sound = SoundMessages(limits, state["sound"])
        self._replay_from = None if resume is None else resume.replay_from
        self._kept_from = self._replay_from or 0
        self._last: int | None = None
        self._media = self._read()

    def __enter__(self) -> "FrameReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._media.close()

    def __iter__(self) -> Iterator[Media]:
        return self._media

    @property
    def has_video(self) -> bool:
        """Whether pictures may come: always."""
        return True

    @property
    def has_audio(self) -> bool:
        """Whether sound may come: always."""
        return True

    @property
    def info(self) -> MediaInfo:
        """What has come so far; `frames` counts refused pictures as well."""
        width, height = self._pictures.size
        return MediaInfo(
            duration=float(max(self._pictures.end, self._sound.end)),
            frames=self._pictures.received,
            width=width,
            height=height,
            has_video=self._pictures.end > 0,
            has_audio=self._sound.begun,
        )

    @property
    def counts(self) -> FrameCounts:
        """What became of the pictures so far, as if every one that was given had been measured.

        A picture counts as received once its fate is known, so the parts add up at any time. Refused ones are invalid.
        """
        return self._pictures.counts

    def mark(self, step: int, sound_from: int) -> Mark | None:
        """As `MediaReader.mark`; the replay begins at a message, and no header is needed."""
        if self._last is None:
            return None
        pictures = self._pictures.mark(step, self._last)
        sound = self._sound.mark(step, sound_from, self._last)
        if pictures is None or sound is None:
            return None
        place = min(pictures[0], sound[0])
        if place < self._kept_from:
            return None
        self._kept_from = place
        return Mark(place, 0, {"pictures": pictures[1], "sound": sound[1]})

    def _read(self) -> Generator[Media]:
        for message, arrived in self._messages:
            if self._replay_from is not None and self._last is None and message.sequence != self._replay_from:
                raise InvalidMessage(f"The replay does not begin with message {self._replay_from}.")
            track = self._pictures if message.kind == "picture" else self._sound
            in_order = self._last is None or message.sequence > self._last
            if not track.cue.hides(message.sequence):
                try:
                    if not in_order:
                        raise OutOfOrder("The sequence number does not rise.")
                    yield from track.push(message, arrived)
                    if message.kind == "sound":
                        yield from self._pictures.rest(self._sound.end, arrived)
                except AttuneError as error:
                    if not error.recoverable:
                        raise
                    self._pass_over(message, error)
            if in_order:
                self._last = message.sequence
                self._pictures.cue.passed(message.sequence)
                self._sound.cue.passed(message.sequence)
        yield from self._pictures.finish()
        yield from self._sound.finish()
        if not self.info.has_video and not self.info.has_audio:
            raise NoMedia("Neither a picture nor a sample of sound came.")

    def _pass_over(self, message: FrameMessage, error: AttuneError) -> None:
        error.sequence = message.sequence
        if message.kind == "sound" or self._pictures.refuse():
            self._report(error)


def decode_frames(
    messages: Iterator[Timed],
    limits: MediaLimits | None = None,
    *,
    live: Live | None = None,
    resume: ResumePoint | None = None,
    report: Report,
) -> FrameReader:
    """Decode the pictures and the sound of `messages` as they come.

    What comes out is as from `decode`, on the same grids, and where a container's pictures and sound are sent as
    messages, PNG and 16-bit PCM, in their order, it is the same bit by bit. Messages that are damaged, out of order or
    too many are passed over: `report` gets an error that is `recoverable` and has the message's `sequence`, a picture
    counts as invalid. A picture whose pixels turn out to be damaged is given without an image. A picture that comes
    more than six seconds of sound behind the one before it no longer changes what that one was held for. After `resume`
    the first message has the sequence number `replay_from`. Of the limits, those of duration, pixels and rate hold; the
    rate is counted in whole seconds of media.
    """
    return FrameReader(messages, limits if limits is not None else MediaLimits(), live, resume, report)
