from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream
from media.clips import Bytes, Clip, level, read_all, write_clip

from service.domain import Picture
from service.errors import NoMedia, PictureTooLarge, UnsupportedMedia
from service.media import MediaLimits, decode


def announce(container: str, codec: str, width: int, height: int, path: Path, packets: int = 1) -> bytes:
    """A recording whose header announces pictures of this size, with packets of noise for pictures."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_mux_stream(codec, rate=25, width=width, height=height, pix_fmt="yuv420p")
        stream.time_base = Fraction(1, 1000)
        for index in range(packets):
            packet = av.Packet(np.random.default_rng(index).bytes(200))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, index * 40, index * 40, Fraction(1, 1000)
            packet.is_keyframe = True
            output.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize(("container", "codec"), [("mp4", "mpeg4"), ("matroska", "vp8"), ("avi", "mjpeg")])
def test_a_header_with_a_picture_too_large_is_refused_on_entering(tmp_path: Path, container: str, codec: str) -> None:
    data = announce(container, codec, 9000, 9000, tmp_path / "clip")
    with pytest.raises(PictureTooLarge), decode(Bytes(data)):
        pytest.fail("entered")


def test_a_picture_of_exactly_the_size_allowed_is_accepted_and_one_more_row_is_not() -> None:
    data = write_clip(Clip("matroska", size=(64, 48), seconds=0.2))
    assert read_all(data, MediaLimits(max_pixels=64 * 48)).info.frames == 5
    with pytest.raises(PictureTooLarge):
        read_all(data, MediaLimits(max_pixels=64 * 48 - 1))


@pytest.mark.parametrize("container", ["mpegts", "flv"])
def test_a_picture_too_large_is_refused_where_only_the_coded_video_tells_its_size(container: str) -> None:
    data = write_clip(Clip(container, size=(640, 480), seconds=0.4))
    with pytest.raises(PictureTooLarge, match="640 x 480"):
        read_all(data, MediaLimits(max_pixels=320 * 240))


def test_a_header_that_belies_the_size_of_the_coded_pictures_does_not_get_past_the_limit() -> None:
    data = write_clip(Clip("avi", "mjpeg", "pcm_s16le", size=(640, 480), seconds=0.4))
    size = (640).to_bytes(4, "little") + (480).to_bytes(4, "little")
    assert data.count(size) >= 1
    with pytest.raises(PictureTooLarge):
        read_all(data.replace(size, (32).to_bytes(4, "little") * 2), MediaLimits(max_pixels=320 * 240))


@pytest.mark.parametrize(
    ("container", "video", "audio"),
    [
        ("avi", "mpeg2video", None),
        ("matroska", "ffv1", None),
        ("matroska", None, "ac3"),
        ("matroska", "libx264", "mp2"),
    ],
)
def test_a_codec_that_is_not_accepted_is_refused_by_name(container: str, video: str | None, audio: str | None) -> None:
    with pytest.raises(UnsupportedMedia, match="codec"):
        read_all(write_clip(Clip(container, video, audio)))


@pytest.mark.parametrize("container", ["asf", "mpeg", "nut", "swf", "aiff", "caf", "ivf"])
def test_a_container_that_is_not_accepted_is_refused(container: str) -> None:
    video, audio = {
        "asf": ("mpeg4", None),
        "mpeg": ("mpeg2video", None),
        "nut": ("mpeg4", None),
        "swf": ("flv", None),
        "ivf": ("libvpx", None),
    }.get(container, (None, "pcm_s16be"))
    data = write_clip(Clip(container, video, audio, seconds=0.2))
    with pytest.raises(UnsupportedMedia, match="MP4"):
        read_all(data)


@pytest.mark.parametrize(("container", "audio"), [("mp3", "libmp3lame"), ("mp4", "aac"), ("flac", "flac")])
def test_cover_art_is_no_video(container: str, audio: str, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    with av.open(str(path), "w", format=container) as output:
        sound = cast(AudioStream, output.add_stream(audio, rate=48_000))
        sound.codec_context.layout = "mono"
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 128, np.uint8), "rgb24")
        output.mux(cover.encode(picture))
        output.mux(cover.encode(None))
        converter = av.AudioResampler(sound.codec_context.format, "mono", 48_000)
        for first in range(0, 48_000, 960):
            frame = av.AudioFrame.from_ndarray(np.full((1, 960), 0.1, np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 48_000, first
            for converted in converter.resample(frame):
                output.mux(sound.encode(converted))
        output.mux(sound.encode(None))
    recording = read_all(path.read_bytes())
    assert not recording.info.has_video
    assert recording.pictures == []
    assert recording.info.duration == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi", "wav"])
def test_a_container_without_a_picture_or_sample_is_no_media(container: str, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream("pcm_s16le" if container == "wav" else "aac" if container == "mp4" else "libmp3lame")
        stream.codec_context.open()
        output.start_encoding()
    with pytest.raises(NoMedia):
        read_all(path.read_bytes())


def spread(path: Path) -> bytes:
    """An MP4 that holds all of three seconds of video before the first sound."""
    source = av.open(BytesIO(write_clip(Clip("mp4", seconds=3.0))), "r")
    options = {"max_interleave_delta": "1", "movflags": "faststart"}
    with source, av.open(str(path), "w", format="mp4", options=options) as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.size]
        for packet in sorted(packets, key=lambda packet: packet.stream.type != "video"):
            packet.stream = streams[packet.stream.index]
            output.mux_one(packet)
    return path.read_bytes()


def test_streams_that_lie_far_apart_in_the_file_come_out_in_the_order_of_time(tmp_path: Path) -> None:
    data = spread(tmp_path / "clip")
    positions = {}
    with av.open(BytesIO(data)) as container:
        for stream in container.streams:
            positions[stream.type] = [entry.pos for entry in stream.index_entries]
    assert max(positions["video"][:-3]) < min(positions["audio"])
    assert data.index(b"moov") < data.index(b"mdat")
    recording = read_all(data)
    assert recording.info.frames == 75
    seen = {"Picture": 0.0, "Sound": 0.0}
    for item in recording.items:
        now = item.step / 25 if isinstance(item, Picture) else item.start / 16_000
        seen[type(item).__name__] = now
        assert abs(seen["Picture"] - seen["Sound"]) < 1.5


def test_a_transport_stream_whose_times_start_anywhere_starts_at_zero() -> None:
    recording = read_all(write_clip(Clip("mpegts", muxer={"output_ts_offset": "5000"})))
    assert recording.steps[0] <= 1
    assert recording.runs[0][0] < 1000
    assert recording.info.duration == pytest.approx(1.0, abs=0.06)


def test_a_sound_header_that_comes_late_in_flv_is_waited_for() -> None:
    recording = read_all(write_clip(Clip("flv", seconds=2.0, audio_start=1.0)))
    assert recording.info.has_audio
    assert recording.runs[0][0] == pytest.approx(16_000, abs=500)


def test_the_best_of_several_streams_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    with av.open(str(path), "w", format="matroska") as output:
        streams = []
        for size in ((32, 24), (64, 48), (48, 32)):
            stream = output.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            streams.append((stream, size))
        for index in range(10):
            for stream, (width, height) in streams:
                picture = np.full((height, width, 3), level(index), np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, "rgb24")
                frame.pts = index
                output.mux(stream.encode(frame))
        for stream, _ in streams:
            output.mux(stream.encode(None))
    recording = read_all(path.read_bytes())
    assert recording.info.frames == 10
    assert (recording.info.width, recording.info.height) in {size for _, size in streams}
