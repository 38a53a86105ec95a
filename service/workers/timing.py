"""Where the time of one session goes inside a decoding process, measured from outside its pipeline.

The pipeline is pulled: a step pulls media, media pulls bytes. So perception takes what pulling a step takes, less what
pulling media takes, and decoding what that takes, less the waiting for bytes.
"""

from collections.abc import Iterator
from time import monotonic

from service.domain import FrameCounts, Media, Step
from service.perception.perceive import Mark, MediaStream
from service.workers.codec import Report
from service.workers.feed import FeedReader


class TimedMedia:
    """A media stream that notes how long it takes."""

    def __init__(self, media: MediaStream, feed: FeedReader, *, opening: float) -> None:
        """`opening`: seconds that decoding has taken before."""
        self._media = media
        self._feed = feed
        self._decode = opening
        self.pulled = 0.0
        """Seconds that iterating has taken so far, waiting for bytes included."""

    @property
    def has_video(self) -> bool:
        return self._media.has_video

    @property
    def has_audio(self) -> bool:
        return self._media.has_audio

    @property
    def counts(self) -> FrameCounts:
        return self._media.counts

    def mark(self, step: int, sound_from: int) -> Mark | None:
        return self._media.mark(step, sound_from)

    def __iter__(self) -> Iterator[Media]:
        media = iter(self._media)
        while True:
            began, waited = monotonic(), self._feed.waited
            item = next(media, None)
            took = monotonic() - began
            self.pulled += took
            self._decode += took - (self._feed.waited - waited)
            if item is None:
                return
            yield item

    def take_decode(self) -> float:
        """Seconds of decoding since this was last asked."""
        seconds, self._decode = self._decode, 0.0
        return seconds


class TimedSteps(Iterator[Step]):
    """The steps of a session, and a `Report` of what they took."""

    def __init__(self, steps: Iterator[Step], media: TimedMedia, feed: FeedReader) -> None:
        self._steps = steps
        self._media = media
        self._feed = feed
        self._begin()

    def _begin(self) -> None:
        self._perception = 0.0
        self.taken = 0
        """Steps since the last report."""
        self._faces = self._sound = self._speech = 0

    def __next__(self) -> Step:
        began, pulled = monotonic(), self._media.pulled
        step = next(self._steps)
        self._perception += monotonic() - began - (self._media.pulled - pulled)
        self.taken += 1
        if step.faces:
            self._faces += 1
        if step.mel is not None:
            self._sound += 1
            self._speech += step.speech
        return step

    def report(self) -> Report:
        """What was measured since the last report."""
        report = Report(
            queue=self._feed.take_longest_wait(),
            decode=self._media.take_decode(),
            perception=self._perception,
            # Whether pictures may come is not the question: a session of frames can be all sound.
            video_steps=self.taken if self._media.counts.received else 0,
            face_steps=self._faces,
            sound_steps=self._sound,
            speech_steps=self._speech,
        )
        self._begin()
        return report
