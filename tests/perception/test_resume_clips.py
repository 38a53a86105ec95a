"""Real recordings in the containers of live sessions, cut off and resumed: media and perception together."""

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from media.messages import as_messages
from perception.comparing import assert_same_faces

from service.domain import FrameCounts, ResumePoint, Step
from service.errors import AttuneError
from service.media import decode, decode_frames
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive

pytestmark = pytest.mark.data

SECONDS = 8
EVERY = 20


def as_fragments(path: Path) -> bytes:
    """The same packets in fragments of a fifth of a second."""
    written = BytesIO()
    options = {"movflags": "empty_moov+default_base_moof", "frag_duration": "200000"}
    with av.open(str(path)) as source, av.open(written, "w", format="mp4", options=options) as target:
        streams = {stream: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.pts is not None and packet.time_base is not None and packet.pts * packet.time_base < SECONDS:
                packet.stream = streams[packet.stream]
                target.mux(packet)
    return written.getvalue()


def as_webm(path: Path) -> bytes:
    """VP8 and Opus as a browser writes them, a key frame every two seconds and 100 ms to a cluster."""
    written = BytesIO()
    muxer = {"live": "1", "cluster_time_limit": "100"}
    with av.open(str(path)) as source, av.open(written, "w", format="webm", options=muxer) as target:
        video = target.add_stream("libvpx", rate=25, options={"g": "50", "deadline": "realtime", "cpu-used": "-12"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        video.bit_rate = 1_000_000
        video.codec_context.thread_count = 1
        audio = target.add_stream("libopus", rate=48_000)
        for frame in source.decode():
            if frame.time is None or frame.time >= SECONDS:
                continue
            if isinstance(frame, av.VideoFrame):
                frame.pict_type = av.video.frame.PictureType.NONE
                target.mux(video.encode(frame))
            else:
                target.mux(audio.encode(frame))
        target.mux(video.encode(None))
        target.mux(audio.encode(None))
    return written.getvalue()


class Chunks:
    """A source that gives a little at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, 1500))


def perceived(data: bytes, detector: FaceDetector, resume: ResumePoint | None = None) -> tuple[list[Step], FrameCounts]:
    if resume is not None:
        data = data[: resume.init_bytes] + data[resume.replay_from :]
    with decode(Chunks(data), resume=resume) as media:
        perception = perceive(media, detector, checkpoint_every=EVERY, resume=resume)
        return list(perception), perception.frames


def assert_same(one: Sequence[Step], other: Sequence[Step], tolerance: float) -> None:
    """Pictures to the last bit, log-mel frames within the tolerance."""
    assert [(step.index, step.speech, step.mel is None) for step in one] == [
        (step.index, step.speech, step.mel is None) for step in other
    ]
    for a, b in zip(one, other, strict=True):
        assert_same_faces(a.faces, b.faces)
        if a.mel is not None and b.mel is not None:
            np.testing.assert_allclose(a.mel, b.mel, rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "write", "people", "tolerance"),
    [("several_faces_song.mp4", as_fragments, 4, 0.0), ("talking_20s.mp4", as_webm, 1, 0.02)],
    ids=["fragmented mp4", "webm"],
)
def test_a_recording_goes_on_from_its_checkpoints(
    clip: Callable[[str], Path],
    detector: FaceDetector,
    name: str,
    write: Callable[[Path], bytes],
    people: int,
    tolerance: float,
) -> None:
    data = write(clip(name))
    whole, frames = perceived(data, detector)
    assert {face.track for step in whole for face in step.faces} == set(range(1, people + 1))
    assert frames.received == frames.measured + frames.off_grid > 0
    points = [step.checkpoint for step in whole if step.checkpoint is not None]
    assert len(points) >= (25 * SECONDS - 1) // EVERY
    assert points[-1].replay_from > points[0].replay_from
    for point in points[2::3]:
        again, counts = perceived(data, detector, point)
        assert again[0].index == point.step
        assert_same(again, whole[point.step :], tolerance)
        assert counts == frames


def test_messages_give_the_steps_of_the_upload_and_go_on_from_their_checkpoints(
    clip: Callable[[str], Path], detector: FaceDetector
) -> None:
    """Every step's picture and the sound as `media` hands them on, to the last bit."""
    upload = as_fragments(clip("several_faces_song.mp4"))
    with decode(Chunks(upload)) as media:
        messages = list(as_messages(media))
    steps, _ = perceived(upload, detector)

    def refuse(error: AttuneError) -> None:
        raise error

    def play(resume: ResumePoint | None = None) -> tuple[list[Step], FrameCounts]:
        replayed = [(one, 0.0) for one in messages if resume is None or one.sequence >= resume.replay_from]
        with decode_frames(iter(replayed), resume=resume, report=refuse) as media:
            perception = perceive(media, detector, checkpoint_every=EVERY, resume=resume)
            return list(perception), perception.frames

    whole, frames = play()
    assert_same(whole, steps, 0.0)
    assert frames.received == frames.measured == sum(message.kind == "picture" for message in messages)
    points = [step.checkpoint for step in whole if step.checkpoint is not None]
    assert points[-1].replay_from > messages[-1].sequence // 4
    for point in points[2::3]:
        again, counts = play(point)
        assert_same(again, whole[point.step :], 0.0)
        assert counts == frames
