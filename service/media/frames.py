"""Pictures and sound that come as messages, one frame or one run of samples each."""

from collections.abc import Callable, Iterator
from types import TracebackType

from service.domain import FrameCounts, Media, MediaInfo, ResumePoint
from service.errors import AttuneError
from service.media.limits import MediaLimits
from service.media.live import Live
from service.media.mark import Mark
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
        report: Callable[[AttuneError], None],
    ) -> None:
        self._messages = messages

    def __enter__(self) -> "FrameReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __iter__(self) -> Iterator[Media]:
        raise NotImplementedError

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
        """What has been read so far."""
        raise NotImplementedError

    @property
    def counts(self) -> FrameCounts:
        """What became of the pictures so far, as if every one that was given had been measured."""
        raise NotImplementedError

    def mark(self, step: int, sound_from: int) -> Mark | None:
        """As `MediaReader.mark`."""
        raise NotImplementedError


def decode_frames(
    messages: Iterator[Timed],
    limits: MediaLimits | None = None,
    *,
    live: Live | None = None,
    resume: ResumePoint | None = None,
    report: Callable[[AttuneError], None],
) -> FrameReader:
    """Decode the pictures and the sound of `messages` as they come."""
    return FrameReader(messages, limits if limits is not None else MediaLimits(), live, resume, report)
