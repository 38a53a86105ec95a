"""Media to steps: what is seen and heard at each step of the 25 Hz grid."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from service.domain import Face, FaceChoice, FrameCounts, Media, Picture, ResumePoint, Sound, Step
from service.perception.detector import FaceDetector
from service.perception.faces import FaceFinder
from service.perception.merge import Merger
from service.perception.sound import Listener
from service.representation import KEY_EVERY, SAMPLE_RATE


class Mark(Protocol):
    """From where media must be read again, and what reading them anew cannot find out."""

    @property
    def replay_from(self) -> int:
        """See `ResumePoint`."""

    @property
    def init_bytes(self) -> int:
        """See `ResumePoint`."""

    @property
    def state(self) -> Mapping[str, Any]:
        """JSON."""


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
        """What became of the frames so far, where every frame given as an image counts as measured."""

    def mark(self, step: int, sound_from: int) -> Mark | None:
        """Where to read again so that the pictures from `step` and the samples from `sound_from` on come once more, in
        the same order; None where that cannot be."""

    def __iter__(self) -> Iterator[Media]: ...


class Perception(Iterator[Step]):
    """The steps of one stream; made by `perceive`. Iterate once."""

    def __init__(
        self,
        media: MediaStream,
        detector: FaceDetector,
        faces: FaceChoice,
        checkpoint_every: int | None,
        resume: ResumePoint | None,
    ) -> None:
        self._media = media
        self._merger = Merger(media.has_video, media.has_audio)
        self._finder = FaceFinder(detector, faces)
        self._listener = Listener()
        if checkpoint_every is not None and checkpoint_every % KEY_EVERY:
            raise ValueError(f"checkpoints every {checkpoint_every} steps are not all at key pictures")
        self._every = checkpoint_every
        self._looked = -1
        self._frame = -1
        self._measured = 0
        self._before: deque[tuple[int, dict[str, Any]]] = deque()
        """Steps of pictures, and what was known of faces right before each of them was looked at."""
        if resume is not None:
            self._resume(resume)
        self._steps = self._run()

    def __iter__(self) -> "Perception":
        return self

    def __next__(self) -> Step:
        return next(self._steps)

    @property
    def frames(self) -> FrameCounts:
        """What became of the frames received so far, those before a resumption included."""
        counts = self._media.counts
        return replace(counts, measured=self._measured, absent=counts.measured - self._measured)

    def _run(self) -> Iterator[Step]:
        for item in self._media:
            if isinstance(item, Picture):
                self._see(item)
                yield from self._ready()
                continue
            for run in _short_runs(item):
                self._merger.hear(self._listener.push(run))
                self._merger.hear_to(self._listener.end)
                yield from self._ready()
        for step in self._merger.rest():
            yield self._with_checkpoint(step)

    def _ready(self) -> Iterator[Step]:
        for step in self._merger.ready():
            yield self._with_checkpoint(step)

    def _see(self, picture: Picture) -> None:
        faces: tuple[Face, ...] = ()
        if picture.image is not None and self._merger.wants(picture.step):
            if self._every is not None and picture.step // self._every > self._looked // self._every:
                self._before.append((picture.step, self._seen()))
            faces = self._finder.push(picture.step, picture.image)
            self._looked = picture.step
            self._measured += picture.frame > self._frame
            self._frame = picture.frame
        self._merger.see(picture.step, faces, picture.arrived)

    def _seen(self) -> dict[str, Any]:
        """All that the pictures looked at so far leave behind, for JSON."""
        return {"faces": self._finder.snapshot(), "frame": self._frame, "measured": self._measured}

    def _with_checkpoint(self, step: Step) -> Step:
        if self._every is None or step.index % self._every or step.index == 0:
            return step
        while self._before and self._before[0][0] < step.index:
            self._before.popleft()
        sound_from, sound_end = self._listener.mark(step.index)
        # Sound that is still to come counts even where it lies before that: then there is no gap to begin anew behind.
        mark = self._media.mark(step.index, min(sound_from, self._listener.end))
        if mark is None:
            return step
        state = {
            # Pictures may have been looked at that lie beyond this step: what was known before the first of those.
            "pictures": self._before[0][1] if self._before else self._seen(),
            "sound": [sound_from, sound_end],
            "merger": self._merger.mark(step.index),
        }
        text = json.dumps({"media": dict(mark.state), "perception": state}, separators=(",", ":"), allow_nan=False)
        return replace(step, checkpoint=ResumePoint(step.index, mark.replay_from, mark.init_bytes, text.encode()))

    def _resume(self, point: ResumePoint) -> None:
        state = json.loads(point.state)["perception"]
        seen = state["pictures"]
        self._finder.restore(seen["faces"])
        self._frame, self._measured = seen["frame"], seen["measured"]
        self._looked = point.step - 1
        self._listener.resume(*state["sound"])
        self._merger.resume(point.step, state["merger"])


def perceive(
    media: MediaStream,
    detector: FaceDetector,
    faces: FaceChoice = "all",
    *,
    checkpoint_every: int | None = None,
    resume: ResumePoint | None = None,
) -> Perception:
    """Give the steps of a stream, by rising index, each as soon as it is complete.

    Step k is complete when picture k (or a later one) and a sample behind sample 640 k have come, of the streams there
    are; or when one stream is more than `ABSENCE` seconds beyond it, while the other counts as absent (what it brings
    later for steps already given is dropped); or, while the other stream is more than twice as far behind, as soon as
    one of them has passed it: so a stream that is missing delays the other for a few seconds only. Or at the end, which
    is that of the longer stream. A time without picture and sound gives empty steps for `ABSENCE` seconds, then none:
    indices jump. A picture without an image is a step without faces. Memory is bounded by `ABSENCE` seconds of steps.
    Errors of `media` pass through.

    With `checkpoint_every`, in steps and a multiple of `KEY_EVERY` (else ValueError), those steps whose index is a
    whole multiple of it (but not 0) carry a `checkpoint`, where the media can be read again. Whoever gives such a
    `ResumePoint` as `resume`, here and to what reads the media again, gets this step first, and it and all later ones
    are the same, as are the counts of frames. It must be the same choice of `faces` and the same version of this code.
    """
    return Perception(media, detector, faces, checkpoint_every, resume)


def _short_runs(sound: Sound) -> Iterator[Sound]:
    """A run in pieces of a second, so that a long one fills no buffers."""
    for at in range(0, len(sound.samples), SAMPLE_RATE):
        yield Sound(sound.start + at, sound.samples[at : at + SAMPLE_RATE], sound.arrived)
