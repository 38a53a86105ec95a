import struct
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from media.clips import Bytes, Clip, Recording, element, level, matroska, read_all, write_clip
from numpy.typing import NDArray

from service.domain import Picture
from service.errors import FrameRateTooHigh, MediaTooLong, PictureTooLarge
from service.media import MediaLimits, decode


def corner(width: int, height: int) -> NDArray[np.uint8]:
    """Black, but for a white quarter at the top left."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


def quarters(image: NDArray[np.uint8]) -> list[bool]:
    """Which quarters are white: top left, top right, bottom left, bottom right."""
    height, width, _ = image.shape
    return [bool(part.mean() > 128) for half in np.vsplit(image[: height // 2 * 2], 2)
            for part in np.hsplit(half[:, : width // 2 * 2], 2)]  # fmt: skip


def matrix(data: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """`data` with another display matrix in the track header of its video."""
    one = 1 << 16
    identity = struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    start = data.index(identity, data.index(b"tkhd"))
    return (
        data[:start] + struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30) + data[start + 36 :]
    )


@pytest.mark.parametrize(("rotation", "white"), [(0, 0), (90, 2), (180, 3), (-90, 1)], ids=lambda value: str(value))
def test_a_rotated_recording_comes_out_upright(rotation: int, white: int) -> None:
    clip = Clip(seconds=0.2, audio=None, size=(64, 48), rotation=rotation, pictures=lambda _: corner(64, 48))
    recording = read_all(write_clip(clip))
    image = recording.images[0]
    assert quarters(image) == [index == white for index in range(4)]
    expected = (48, 64) if rotation in (90, -90) else (64, 48)
    assert (recording.info.width, recording.info.height) == expected
    assert image.shape == (expected[1], expected[0], 3)
    assert image.flags.c_contiguous


@pytest.mark.parametrize(
    ("entries", "white"),
    [((-1, 0, 0, 1), 1), ((0, 1, 1, 0), 0), ((0, -1, -1, 0), 3)],
    ids=["mirrored", "transposed", "transposed both ways"],
)
def test_a_mirrored_recording_comes_out_as_its_matrix_says(entries: tuple[int, int, int, int], white: int) -> None:
    clip = Clip(seconds=0.2, audio=None, size=(64, 48), pictures=lambda _: corner(64, 48))
    image = read_all(matrix(write_clip(clip), *entries)).images[0]
    assert quarters(image) == [index == white for index in range(4)]


@pytest.mark.parametrize(
    ("ratio", "size"), [(Fraction(2), (128, 48)), (Fraction(1, 2), (64, 96)), (Fraction(64, 45), (91, 48))]
)
def test_pictures_of_pixels_that_are_not_square_are_stretched(ratio: Fraction, size: tuple[int, int]) -> None:
    recording = read_all(write_clip(Clip("matroska", seconds=0.2, audio=None, pixel_ratio=ratio)))
    assert (recording.info.width, recording.info.height) == size
    assert recording.images[0].shape == (size[1], size[0], 3)


def test_large_pictures_are_scaled_down_to_a_longer_side_of_1280() -> None:
    clip = Clip("matroska", "mjpeg", None, seconds=0.08, size=(1920, 1080), pictures=lambda _: corner(1920, 1080))
    recording = read_all(write_clip(clip))
    assert (recording.info.width, recording.info.height) == (1920, 1080)
    assert recording.images[0].shape == (720, 1280, 3)
    assert quarters(recording.images[0]) == [True, False, False, False]


def test_small_pictures_are_never_scaled_up() -> None:
    recording = read_all(write_clip(Clip("matroska", "mjpeg", None, seconds=0.08, size=(16, 16))))
    assert recording.images[0].shape == (16, 16, 3)


def test_scaling_down_averages_and_keeps_no_alias() -> None:
    stripes = np.zeros((1080, 1920, 3), np.uint8)
    stripes[:, ::2] = 255
    lossless = {"qp": "0", "preset": "ultrafast"}
    clip = Clip("matroska", audio=None, seconds=0.04, size=(1920, 1080), pictures=lambda _: stripes, encoder=lossless)
    image = read_all(write_clip(clip)).images[0]
    assert image[100:600, 100:1100].std() < 50


def test_colours_come_out_as_red_green_blue() -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    image = read_all(write_clip(Clip(seconds=0.2, audio=None, pictures=lambda _: red))).images[0]
    assert np.abs(image.reshape(-1, 3).mean(0) - (200, 0, 0)).max() < 12


def test_a_picture_that_is_held_is_the_same_object() -> None:
    recording = read_all(write_clip(Clip("matroska", audio=None, video_times=[0.0, 0.4, 0.8])))
    images = recording.images
    assert recording.steps[:20] == list(range(20))
    assert all(image is images[0] for image in images[:10])
    assert images[10] is not images[0]


def test_variable_frame_rates_are_read_by_their_times() -> None:
    times = [0.0, 0.033, 0.1, 0.5, 0.52, 0.54, 0.9, 1.0]
    recording = read_all(write_clip(Clip("matroska", audio=None, video_times=times)))
    for picture, shown in zip(recording.pictures, recording.levels, strict=True):
        newest = max(index for index, time in enumerate(times) if time <= picture.step / 25 + 0.0005)
        assert abs(shown - level(newest)) < 8


def test_a_gap_in_the_video_leaves_steps_out_after_two_seconds() -> None:
    recording = read_all(write_clip(Clip("matroska", audio=None, video_times=[0.0, 0.04, 5.0, 5.04])))
    assert recording.steps == [*range(52), 125, 126]


@pytest.mark.parametrize(("container", "audio"), [("matroska", "aac"), ("matroska", "libopus"), ("mp4", "aac")])
def test_the_lead_in_of_a_sound_codec_does_not_shift_the_pictures(container: str, audio: str) -> None:
    recording = read_all(write_clip(Clip(container, audio=audio)))
    assert recording.steps == list(range(25))
    assert abs(recording.levels[10] - level(10)) < 8


def test_a_recording_without_a_frame_rate_is_opened_after_its_first_pictures() -> None:
    source = Bytes(timed([40 * index for index in range(100)]), (100,))
    with decode(source):
        assert source.position < 0.15 * len(source.data)


def test_video_that_starts_late_keeps_its_time() -> None:
    recording = read_all(write_clip(Clip("matroska", video_start=1.0, seconds=1.0)))
    assert recording.steps[0] == 25
    assert recording.runs[0][0] == 0


def timed(times: list[int]) -> bytes:
    """A WebM recording of key frames at these milliseconds."""
    video = Clip("webm", "libvpx", None, seconds=len(times) / 25, encoder={"g": "1"})
    with av.open(BytesIO(write_clip(video)), "r") as clip:
        frames = [bytes(packet) for packet in clip.demux() if packet.size]
    size = element("B0", bytes([64])) + element("BA", bytes([48]))
    track = element("83", b"\1") + element("86", b"V_VP8") + element("E0", size)
    return matroska(track, list(zip(times, frames, strict=True)))


@pytest.mark.parametrize(
    "times",
    [
        [0, 0, 0, 0, 0, 0],
        [0, 40, 40, 40, 80, 120],
        [0, 80, 40, 160, 120, 200],
        [200, 160, 120, 80, 40, 0],
        [-200, -100, 0, 40, 80, 120],
        [0, 40, 32_000, 80, 120, 160],
        [-32_000, 0, 40, 80, 120, 160],
    ],
    ids=str,
)
def test_disordered_times_give_each_step_at_most_once_and_in_order(times: list[int]) -> None:
    recording = read_all(timed(times))
    assert recording.info.frames == len(times)
    assert recording.steps == sorted(set(recording.steps))
    assert 0 < len(recording.steps) < 120


@pytest.mark.parametrize("leap", [10**7, 10**12, 2**53, 2**62])
def test_a_leap_in_time_beyond_the_limit_is_too_long_and_costs_nothing(leap: int) -> None:
    pictures: list[Picture] = []
    with decode(Bytes(timed([0, 40, 80, leap, leap + 40]))) as media, pytest.raises(MediaTooLong):
        pictures.extend(item for item in media if isinstance(item, Picture))
    assert len(pictures) <= 54


def test_times_that_stand_still_do_not_get_past_the_frame_rate_limit() -> None:
    data = timed([0] * 25)
    assert read_all(data, MediaLimits(max_frame_rate=25)).info.frames == 25
    with pytest.raises(FrameRateTooHigh):
        read_all(data, MediaLimits(max_frame_rate=24))


def growing(path: Path) -> bytes:
    """A transport stream whose pictures grow from 64 x 48 to 320 x 240 after half a second."""
    with av.open(str(path), "w", format="mpegts") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        second = av.CodecContext.create("libx264", "w")
        second.width, second.height, second.pix_fmt, second.time_base = 320, 240, "yuv420p", Fraction(1, 25)
        for encoder, first in ((stream.codec_context, 0), (second, 12)):
            for index in [*range(first, first + 12), None]:
                frame = None
                if index is not None:
                    size = (encoder.height, encoder.width, 3)
                    frame = av.VideoFrame.from_ndarray(np.full(size, level(index), np.uint8), "rgb24")
                    frame.pts, frame.time_base = index, Fraction(1, 25)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    output.mux(packet)
    return path.read_bytes()


def shapes(recording: Recording) -> set[tuple[int, ...]]:
    return {image.shape for image in recording.images}


def test_pictures_may_change_their_size_on_the_way(tmp_path: Path) -> None:
    recording = read_all(growing(tmp_path / "clip"))
    assert shapes(recording) == {(48, 64, 3), (240, 320, 3)}
    assert (recording.info.width, recording.info.height) == (64, 48)
    assert recording.info.frames == 24


def test_pictures_that_grow_beyond_the_limit_on_the_way_are_refused(tmp_path: Path) -> None:
    data = growing(tmp_path / "clip")
    pictures: list[Picture] = []
    with decode(Bytes(data), MediaLimits(max_pixels=100 * 100)) as media, pytest.raises(PictureTooLarge):
        pictures.extend(item for item in media if isinstance(item, Picture))
    assert {picture.image.shape for picture in pictures if picture.image is not None} == {(48, 64, 3)}
