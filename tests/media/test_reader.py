import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media.clips import Bytes, Clip, Recording, level, read_all, write_clip

from service.domain import Media, Picture, Sound
from service.errors import (
    BodyTooLarge,
    EmptyBody,
    FrameRateTooHigh,
    MediaTooLong,
    MediaTruncated,
)
from service.media import MediaLimits, decode
from service.representation import SAMPLE_RATE

FASTSTART = {"movflags": "faststart"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}
LOSSY = 6
"""By how much lossy coding may change the brightness of a flat picture."""


def noise(index: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Pictures that do not compress, so that files are large enough to arrive in parts."""
    return np.random.default_rng(index).integers(0, 255, (120, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("mp4", "libx264", "aac"),
        ("mp4", "libx265", "aac"),
        ("mp4", "libvpx-vp9", "libopus"),
        ("mp4", "libsvtav1", "libopus"),
        ("mp4", "mpeg4", "libmp3lame"),
        ("mov", "libx265", "aac"),
        ("mov", "mjpeg", "pcm_s16le"),
        ("matroska", "libx264", "vorbis"),
        ("matroska", "libx265", "pcm_f32le"),
        ("matroska", "mjpeg", "flac"),
        ("webm", "libvpx", "libopus"),
        ("webm", "libvpx", "vorbis"),
        ("webm", "libvpx-vp9", "libopus"),
        ("webm", "libsvtav1", "libopus"),
        ("avi", "libx264", "libmp3lame"),
        ("avi", "mpeg4", "pcm_s16le"),
        ("avi", "mjpeg", "aac"),
        ("flv", "libx264", "aac"),
        ("flv", "libx265", "libmp3lame"),
        ("mpegts", "libx264", "aac"),
        ("mpegts", "libx265", "libmp3lame"),
        ("mpegts", "mpeg4", "libopus"),
    ],
)
def test_video_with_sound_is_read_in_every_container_and_codec(container: str, video: str, audio: str) -> None:
    recording = read_all(write_clip(Clip(container, video, audio, layout="stereo")))
    assert recording.info.has_video
    assert recording.info.has_audio
    assert recording.info.frames == 25
    assert recording.info.duration == pytest.approx(1.0, abs=0.06)
    assert (recording.info.width, recording.info.height) == (64, 48)
    assert recording.steps == list(range(recording.steps[0], recording.steps[-1] + 1))
    shown = list(dict.fromkeys(recording.levels))
    assert len(shown) >= 24
    assert np.abs(np.array(shown[:20]) - [level(i) for i in range(20)]).max() <= LOSSY
    ((start, end),) = recording.runs
    assert start < SAMPLE_RATE // 50
    assert end == pytest.approx(SAMPLE_RATE, abs=SAMPLE_RATE * 0.06)
    assert np.sqrt(np.mean(recording.samples[2000:14000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(
    ("container", "audio"),
    [
        ("wav", "pcm_s16le"),
        ("wav", "pcm_f32le"),
        ("wav", "pcm_s24le"),
        ("wav", "pcm_u8"),
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("ogg", "vorbis"),
        ("ogg", "flac"),
        ("ipod", "aac"),
        ("mp3", "libmp3lame"),
        ("adts", "aac"),
        ("matroska", "libopus"),
    ],
)
def test_sound_alone_is_read(container: str, audio: str) -> None:
    recording = read_all(write_clip(Clip(container, None, audio, layout="stereo")))
    assert not recording.info.has_video
    assert recording.info.has_audio
    assert (recording.info.frames, recording.info.width, recording.info.height) == (0, 0, 0)
    assert recording.pictures == []
    ((start, end),) = recording.runs
    assert start == 0
    assert end == pytest.approx(SAMPLE_RATE, abs=SAMPLE_RATE * 0.03)
    assert np.sqrt(np.mean(recording.samples[2000:14000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_video_without_a_sound_track_has_no_audio() -> None:
    recording = read_all(write_clip(Clip(audio=None)))
    assert not recording.info.has_audio
    assert recording.sounds == []
    assert recording.info.duration == pytest.approx(1.0)


class Gate:
    """Gives the front of `data` and fails the reading if more is asked for before `open`."""

    def __init__(self, data: bytes, front: int) -> None:
        self._bytes = Bytes(data, (1000,))
        self._front = front
        self.open = False

    def read(self, size: int, /) -> bytes:
        if not self.open:
            size = min(size, self._front - self._bytes.position)
            assert size > 0, "asked for more before giving a picture"
        return self._bytes.read(size)


@pytest.mark.parametrize(
    ("container", "video", "audio", "muxer"),
    [
        ("mp4", "libx264", "aac", FASTSTART),
        ("mp4", "libx264", "aac", FRAGMENTED),
        ("mov", "mjpeg", "pcm_s16le", FASTSTART),
        ("webm", "libvpx", "libopus", {"live": "1"}),
        ("webm", "libvpx-vp9", "libopus", {}),
        ("matroska", "libx264", "aac", {}),
        ("mpegts", "libx264", "aac", {}),
        ("flv", "libx264", "aac", {}),
        ("avi", "mpeg4", "libmp3lame", {}),
    ],
)
def test_pictures_and_sound_come_out_before_the_last_bytes_are_there(
    container: str, video: str, audio: str, muxer: dict[str, str]
) -> None:
    data = write_clip(Clip(container, video, audio, seconds=3.0, size=(160, 120), pictures=noise, muxer=muxer))
    gate = Gate(data, len(data) // 2)
    kinds = set()
    with decode(gate) as media:
        for item in media:
            kinds.add(type(item))
            gate.open = kinds == {Picture, Sound}
            if gate.open:
                break
        assert gate.open
        rest = sum(isinstance(item, Picture) for item in media)
    assert rest > 30


def same(one: Recording, other: Recording) -> bool:
    return (
        one.info == other.info
        and one.steps == other.steps
        and all(np.array_equal(a, b) for a, b in zip(one.images, other.images, strict=True))
        and [sound.start for sound in one.sounds] == [sound.start for sound in other.sounds]
        and all(np.array_equal(a.samples, b.samples) for a, b in zip(one.sounds, other.sounds, strict=True))
    )


CHUNKED = [
    ("mp4", "libx264", "aac", {}),
    ("mp4", "libx264", "aac", FASTSTART),
    ("mp4", "libx264", "aac", FRAGMENTED),
    ("webm", "libvpx", "libopus", {}),
    ("matroska", "libx264", "aac", {}),
    ("avi", "mpeg4", "libmp3lame", {}),
    ("flv", "libx264", "aac", {}),
    ("mpegts", "libx264", "aac", {}),
    ("ogg", None, "libopus", {}),
    ("mp3", None, "libmp3lame", {}),
]


@pytest.fixture(scope="module", params=CHUNKED, ids=lambda case: f"{case[0]}-{'-'.join(case[3].values())}")
def chunked(request: pytest.FixtureRequest) -> tuple[bytes, Recording]:
    container, video, audio, muxer = request.param
    data = write_clip(Clip(container, video, audio, seconds=0.6, muxer=muxer))
    return data, read_all(data)


@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=20))
def test_how_reads_are_cut_makes_no_difference(chunked: tuple[bytes, Recording], sizes: list[int]) -> None:
    data, whole = chunked
    assert same(read_all(Bytes(data, sizes)), whole)


def test_single_bytes_make_no_difference(chunked: tuple[bytes, Recording]) -> None:
    data, whole = chunked
    assert same(read_all(Bytes(data, (1,))), whole)


def test_index_first_and_index_last_give_the_same() -> None:
    clip = Clip(seconds=0.6)
    last = write_clip(clip)
    clip.muxer = FASTSTART
    first = write_clip(clip)
    assert first.index(b"moov") < first.index(b"mdat")
    assert last.index(b"moov") > last.index(b"mdat")
    assert same(read_all(first), read_all(last))


def test_an_empty_body_is_refused() -> None:
    with pytest.raises(EmptyBody):
        read_all(b"")


@pytest.mark.parametrize("muxer", [{}, FASTSTART])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_truncated_mp4_is_refused(muxer: dict[str, str], share: float) -> None:
    data = write_clip(Clip(muxer=muxer))
    with pytest.raises(MediaTruncated):
        read_all(data[: int(len(data) * share)])


@pytest.mark.parametrize("missing", [1, 2000])
def test_an_mp4_that_announces_more_than_there_can_be_is_refused_before_it_is_decoded(missing: int) -> None:
    data = write_clip(Clip(muxer=FASTSTART, seconds=4.0, size=(160, 120), pictures=noise))
    source = Bytes(data[:-missing], [4096])
    with pytest.raises(MediaTruncated), decode(source, size=len(data) - missing):
        pass
    assert source.position < len(data) // 2


@pytest.mark.parametrize("muxer", [{}, FASTSTART, FRAGMENTED])
def test_a_whole_file_is_read_with_its_size_or_a_larger_bound(muxer: dict[str, str]) -> None:
    data = write_clip(Clip(muxer=muxer))
    for size in (len(data), len(data) + 1000):
        with decode(Bytes(data), size=size) as media:
            assert len(list(media)) > 25


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("webm", "libvpx", "libopus"),
        ("matroska", "libx264", "aac"),
        ("mpegts", "libx264", "aac"),
        ("flv", "libx264", "aac"),
    ],
)
def test_a_recording_that_breaks_off_gives_what_is_there(container: str, video: str, audio: str) -> None:
    data = write_clip(Clip(container, video, audio, seconds=2.0))
    recording = read_all(data[: len(data) // 2])
    assert 10 < len(recording.pictures) < 45
    assert 0.4 < recording.info.duration < 1.8


def test_a_fragmented_mp4_that_breaks_off_gives_what_is_there() -> None:
    data = write_clip(Clip(seconds=2.0, muxer=FRAGMENTED))
    recording = read_all(data[: len(data) * 2 // 3])
    assert len(recording.pictures) > 10


def test_more_bytes_than_allowed_are_refused_without_reading_on() -> None:
    data = write_clip(Clip("matroska", size=(160, 120), pictures=noise, seconds=3.0))
    source = Bytes(data, (1000,))
    with pytest.raises(BodyTooLarge):
        read_all(source, MediaLimits(max_bytes=len(data) // 3))
    assert source.position <= len(data) // 3 + 1000


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "mpegts"])
def test_a_recording_longer_than_allowed_is_refused(container: str) -> None:
    with pytest.raises(MediaTooLong):
        read_all(write_clip(Clip(container, seconds=3.0)), MediaLimits(max_duration=2.0))


def test_a_header_that_announces_too_much_is_refused_on_entering() -> None:
    data = write_clip(Clip("matroska", seconds=3.0))
    with pytest.raises(MediaTooLong), decode(Bytes(data), MediaLimits(max_duration=2.0)):
        pytest.fail("entered")


def test_a_live_recording_without_a_header_duration_is_refused_when_its_times_pass_the_limit() -> None:
    data = write_clip(Clip("webm", "libvpx", "libopus", seconds=3.0, muxer={"live": "1"}))
    items: list[Media] = []
    with decode(Bytes(data), MediaLimits(max_duration=2.0)) as media, pytest.raises(MediaTooLong):
        items.extend(media)
    assert 40 <= sum(isinstance(item, Picture) for item in items) <= 52


def test_more_pictures_per_second_than_allowed_are_refused() -> None:
    times = [i / 100 for i in range(60)]
    with pytest.raises(FrameRateTooHigh):
        read_all(write_clip(Clip("matroska", "libvpx", None, video_times=times)), MediaLimits(max_frame_rate=50))
    assert (
        read_all(
            write_clip(Clip("matroska", "libvpx", None, video_times=times)), MediaLimits(max_frame_rate=100)
        ).info.frames
        == 60
    )


def test_pictures_at_exactly_the_frame_rate_allowed_are_accepted() -> None:
    times = [i / 60 for i in range(180)]  # rounded to milliseconds by the container
    data = write_clip(Clip("webm", "libvpx", None, video_times=times))
    assert read_all(data, MediaLimits(max_frame_rate=60)).info.frames == 180


def test_an_error_of_the_source_reaches_the_caller_as_it_is() -> None:
    class Broken:
        def read(self, size: int, /) -> bytes:
            raise ConnectionResetError(f"gone instead of {size} bytes")

    with pytest.raises(ConnectionResetError, match="gone"):
        read_all(Broken())


def test_an_error_of_the_source_in_mid_stream_reaches_the_caller_as_it_is() -> None:
    data = write_clip(Clip("matroska", size=(160, 120), pictures=noise, seconds=3.0))

    class Breaking(Bytes):
        def read(self, size: int, /) -> bytes:
            if self.position > len(data) // 2:
                raise ConnectionResetError("gone")
            return super().read(size)

    items: list[Media] = []
    with decode(Breaking(data, (1000,))) as media, pytest.raises(ConnectionResetError, match="gone"):
        items.extend(media)
    assert len(items) > 10


def test_leaving_early_is_clean_and_the_next_recording_works() -> None:
    data = write_clip()
    with decode(Bytes(data)) as media:
        next(iter(media))
    assert len(read_all(data).pictures) == 25


def test_info_grows_while_reading() -> None:
    with decode(Bytes(write_clip(Clip("matroska")))) as media:
        assert media.info.frames == 0
        assert (media.has_video, media.has_audio) == (True, True)
        counts = [media.info.frames for _ in media]
    assert counts == sorted(counts)
    assert media.info.frames == 25


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "size", "seconds", "has_audio"),
    [
        ("portrait_no_audio_track.mp4", (720, 1280), 11.73, False),
        ("face_then_none_hevc.mov", (960, 540), 6.42, True),
        ("single_face_mp3.mp4", (640, 360), 2.42, True),
        ("silent_track.mp4", (640, 360), 19.69, True),
        ("mead_sad_1080p.mp4", (1920, 1080), 3.73, True),
    ],
)
def test_real_clips_are_read_upright_and_whole(
    clip: Callable[[str], Path], name: str, size: tuple[int, int], seconds: float, has_audio: bool
) -> None:
    with clip(name).open("rb") as file:
        recording = read_all(file)
    assert (recording.info.width, recording.info.height) == size
    assert recording.info.duration == pytest.approx(seconds, abs=0.05)
    assert recording.info.has_audio == has_audio
    assert recording.steps == list(range(recording.steps[-1] + 1))
    height, width, _ = recording.images[0].shape
    assert max(width, height) <= 1280
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)


@pytest.mark.data
def test_the_sound_of_a_real_clip_that_starts_late_keeps_its_time(clip: Callable[[str], Path]) -> None:
    with clip("face_then_none_hevc.mov").open("rb") as file:
        recording = read_all(file)
    ((start, end),) = recording.runs
    assert start / SAMPLE_RATE == pytest.approx(2.43, abs=0.01)
    assert end / SAMPLE_RATE == pytest.approx(6.4, abs=0.05)


@pytest.mark.data
def test_a_silent_track_is_sound_of_zeros(clip: Callable[[str], Path]) -> None:
    with clip("silent_track.mp4").open("rb") as file:
        recording = read_all(file)
    assert np.abs(recording.samples).max() < 1e-3


def test_writing_clips_leaves_this_process_on_the_ordinary_scheduler() -> None:
    before = os.sched_getscheduler(0)
    write_clip(Clip("webm", "libsvtav1", "libopus"))
    assert os.sched_getscheduler(0) == before
