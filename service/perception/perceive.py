"""Media to steps: what is seen and heard at each step of the 25 Hz grid."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from service.domain import Face, FaceChoice, FrameCounts, Media, Picture, ResumePoint, Sound, Step
from service.perception.detector import FaceDetector
from service.perception.faces import FaceFinder
from service.perception.sound import Heard, Listener
from service.representation import ABSENCE, SAMPLE_RATE, SAMPLES_PER_STEP, STEP_RATE

ABSENT_AFTER = round(ABSENCE * STEP_RATE)
"""Steps by which a stream may lag behind the other before steps go on without it."""


class Mark(Protocol):
    """From where media must be read again, and what reading them anew cannot find out."""

    @property
    def replay_from(self) -> int: ...

    @property
    def init_bytes(self) -> int: ...

    @property
    def state(self) -> Mapping[str, Any]: ...


class MediaStream(Protocol):
    """Timed media in the order of their packets; pictures with rising steps, sound with rising starts."""

    @property
    def has_video(self) -> bool:
        """Whether pictures may come."""

    @property
    def has_audio(self) -> bool:
        """Whether sound may come."""

    @property
    def counts(self) -> FrameCounts:
        """What became of the frames so far, every shown one counted as measured."""

    def mark(self, step: int, sound_from: int) -> Mark | None:
        """Where to read again for the pictures from `step` and the samples from `sound_from` on; None: nowhere."""

    def __iter__(self) -> Iterator[Media]: ...


class Perception(Iterator[Step]):
    """The steps of one stream; made by `perceive`. Iterate once."""

    def __init__(self, media: MediaStream, detector: FaceDetector, faces: FaceChoice) -> None:
        self._media = media
        self._measured = 0
        self._steps = _steps(media, detector, faces)

    def __iter__(self) -> "Perception":
        return self

    def __next__(self) -> Step:
        return next(self._steps)

    @property
    def frames(self) -> FrameCounts:
        """What became of the pictures received so far."""
        counts = self._media.counts
        return replace(counts, measured=self._measured, absent=counts.measured - self._measured)


def perceive(
    media: MediaStream,
    detector: FaceDetector,
    faces: FaceChoice = "all",
    *,
    checkpoint_every: int | None = None,
    resume: ResumePoint | None = None,
) -> Perception:
    """The steps of a stream; see `_steps`."""
    if checkpoint_every is not None or resume is not None:
        raise NotImplementedError
    return Perception(media, detector, faces)


def _steps(media: MediaStream, detector: FaceDetector, faces: FaceChoice) -> Iterator[Step]:
    """Give the steps of a stream, by rising index, each as soon as it is complete.

    Step k is complete when picture k (or a later one) and a sample behind sample 640 k have come, of the streams there
    are; or when one stream is more than `ABSENCE` seconds beyond it, while the other counts as absent (what it brings
    later for steps already given is dropped); or at the end, which is that of the longer stream. A time without
    picture and sound gives empty steps for `ABSENCE` seconds, then none: indices jump. Memory is bounded by `ABSENCE`
    seconds of steps. Errors of `media` pass through.
    """
    merger = _Merger(media.has_video, media.has_audio)
    finder = FaceFinder(detector, faces)
    listener = Listener()
    for item in media:
        if isinstance(item, Picture):
            if item.step >= max(merger.seen, merger.next):
                merger.see(item.step, finder.push(item.step, item.image))
            yield from merger.ready()
            continue
        for run in _short_runs(item):
            merger.hear(listener.push(run), listener)
            yield from merger.ready()
    yield from merger.rest()


class _Merger:
    """Puts what is seen and what is heard together, step by step."""

    def __init__(self, has_video: bool, has_audio: bool) -> None:
        self._has_video = has_video
        self._has_audio = has_audio
        self._seen: dict[int, tuple[Face, ...]] = {}
        self._heard: dict[int, Heard] = {}
        self._last = -1
        self.next = 0
        """The step that is given next."""
        self.seen = 0
        """Steps whose picture, if any, has come."""
        self.heard = 0
        """Steps whose sound, if any, has come."""

    def see(self, step: int, faces: tuple[Face, ...]) -> None:
        self._seen[step] = faces
        self.seen = step + 1

    def hear(self, heard: Iterator[Heard], listener: Listener) -> None:
        self._heard |= {one.step: one for one in heard if one.step >= self.next}
        self.heard = -(-listener.end // SAMPLES_PER_STEP)

    def ready(self) -> Iterator[Step]:
        if self._has_video and self._has_audio:
            ahead = max(self.seen, self.heard) - ABSENT_AFTER
            return self._give(max(min(self.seen, self.heard), ahead))
        return self._give(max(self.seen, self.heard))

    def rest(self) -> Iterator[Step]:
        return self._give(max(self.seen, self.heard))

    def _give(self, end: int) -> Iterator[Step]:
        while self.next < end:
            step = self.next
            faces, heard = self._seen.pop(step, None), self._heard.pop(step, None)
            if faces is not None or heard is not None:
                self._last = step
            elif step - self._last > ABSENT_AFTER:
                self.next = min([end, *self._seen, *self._heard])
                continue
            self.next += 1
            yield Step(step, faces or (), heard.mel if heard else None, heard.speech if heard else False)


def _short_runs(sound: Sound) -> Iterator[Sound]:
    """A run in pieces of a second, so that a long one fills no buffers."""
    for at in range(0, len(sound.samples), SAMPLE_RATE):
        yield Sound(sound.start + at, sound.samples[at : at + SAMPLE_RATE])
