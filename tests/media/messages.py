"""Messages of `frames` input, made of anything."""

from collections.abc import Iterable, Iterator
from io import BytesIO

import numpy as np
from media.clips import Recording
from media.resuming import Whole, take
from numpy.typing import NDArray
from PIL import Image

from service.domain import Media, Picture, ResumePoint
from service.errors import AttuneError
from service.media import Live, MediaLimits, decode_frames
from service.protocol.frames import FrameMessage

NANOSECONDS = 10**9


def encode(image: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    """An encoded picture."""
    file = BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def picture(sequence: int, seconds: float, payload: bytes) -> FrameMessage:
    return FrameMessage("picture", sequence, round(seconds * NANOSECONDS), 0, payload)


def sound(sequence: int, seconds: float, samples: NDArray[np.int16], rate: int) -> FrameMessage:
    return FrameMessage("sound", sequence, round(seconds * NANOSECONDS), rate, samples.astype("<i2").tobytes())


def as_messages(items: Iterable[Media]) -> Iterator[FrameMessage]:
    """What `media` handed on, as a client would send it: one picture for each step, and the sound."""
    for sequence, item in enumerate(items):
        if isinstance(item, Picture):
            assert item.image is not None
            yield picture(sequence, item.step / 25, encode(item.image))
        else:
            samples = np.round(item.samples * 32768).astype(np.int16)
            yield sound(sequence, item.start / 16_000, samples, 16_000)


def read_messages(
    messages: Iterable[FrameMessage],
    *,
    limits: MediaLimits | None = None,
    live: Live | None = None,
    resume: ResumePoint | None = None,
    lag: int = 3,
    back: int = 30,
) -> tuple[Whole, list[AttuneError]]:
    """Decode messages to their end, taking the mark of every step on the way; also what was reported."""
    faults: list[AttuneError] = []
    timed = ((message, 0.0) for message in messages)
    with decode_frames(timed, limits, live=live, resume=resume, report=faults.append) as media:
        whole = Whole(Recording([], media.info), media.counts, {})
        seen = -1
        for item in media:
            whole.recording.items.append(item)
            counts = media.counts
            assert counts.received == counts.measured + counts.off_grid + counts.late + counts.invalid
            seen = take(media, item, seen, lag, back, whole.marks)
        whole.recording.info, whole.counts = media.info, media.counts
    return whole, faults
