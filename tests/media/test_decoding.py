from io import BytesIO

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from media.clips import Clip, read_all, write_clip

from service.errors import MediaUnreadable
from service.media.decoding import Decoder


def damaged(data: bytes, kind: str, first: int, last: int) -> bytes:
    """`data` with noise for the content of the packets `first` up to `last` of the streams of this kind."""
    output = bytearray(data)
    with av.open(BytesIO(data), "r") as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        entries = [(packet.pos, packet.size) for packet in container.demux(stream) if packet.size]
    noise = np.random.default_rng(0)
    for position, size in entries[first:last]:
        assert position is not None
        output[position : position + size] = noise.bytes(size)
    return bytes(output)


@pytest.fixture(scope="module")
def clip() -> bytes:
    return write_clip(Clip(seconds=4.0, encoder={"g": "10", "bf": "0"}))


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_damage_in_the_middle_is_skipped(clip: bytes, kind: str) -> None:
    recording = read_all(damaged(clip, kind, 30, 40))
    assert recording.info.frames >= 85
    assert recording.steps[-1] == 99
    assert recording.steps == sorted(set(recording.steps))
    assert recording.runs[-1][1] >= 3.9 * 16_000
    assert recording.info.duration == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_a_stream_of_which_nothing_decodes_makes_the_recording_unreadable(clip: bytes, kind: str) -> None:
    with pytest.raises(MediaUnreadable, match=kind):
        read_all(damaged(clip, kind, 0, 10_000))


@pytest.mark.parametrize(("container", "video", "audio"), [("webm", "libvpx", "libopus"), ("mpegts", "libx264", "aac")])
def test_noise_between_the_packets_of_a_stream_is_skipped(container: str, video: str, audio: str) -> None:
    data = write_clip(
        Clip(container, video, audio, seconds=4.0, encoder={"g": "5"}, muxer={"cluster_time_limit": "500"})
    )
    middle = len(data) // 2
    recording = read_all(data[:middle] + np.random.default_rng(0).bytes(3000) + data[middle:])
    assert recording.info.frames >= 70
    assert recording.steps[-1] >= 98
    assert recording.runs[-1][1] >= 3.9 * 16_000


def test_a_stream_that_is_joined_between_key_frames_is_read_from_the_next_one_on() -> None:
    data = write_clip(Clip("mpegts", seconds=20.0, encoder={"g": "250", "bf": "0", "sc_threshold": "0"}))
    packets = len(data) // 188
    start = data[: packets // 20 * 188]
    recording = read_all(data[len(start) :])
    assert 240 <= recording.info.frames <= 260


def test_the_detail_tells_nothing_of_the_inside(clip: bytes) -> None:
    with pytest.raises(MediaUnreadable) as caught:
        read_all(damaged(clip, "video", 0, 10_000))
    assert caught.value.detail == "The video stream is damaged."


def test_a_renewed_decoder_goes_on_as_if_it_had_read_no_more_than_its_lead() -> None:
    data = write_clip(Clip("matroska", None, "aac", seconds=2.0))

    def values(start: int, renewed_at: int | None) -> list[bytes]:
        with av.open(BytesIO(data), "r") as container:
            stream = container.streams.audio[0]
            packets = [packet for packet in container.demux() if packet.size]
            decoder = Decoder[AudioFrame](stream)
            given = []
            for index, packet in enumerate(packets[start:], start):
                if index == renewed_at:
                    decoder.renew(packets[index - 3 : index])
                given.append(b"".join(frame.to_ndarray().tobytes() for frame in decoder.decode(packet)))
            return given

    assert values(0, 50)[50:] == values(47, None)[3:] == values(20, 50)[30:]
    assert values(0, 50)[:50] == values(0, None)[:50]
