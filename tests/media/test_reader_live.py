"""Recordings that are read while they are made."""

from io import BytesIO

import av
import pytest
from media.clips import Bytes, Clip, Recording, as_a_browser_writes, blocks, write_clip

from service.domain import FrameCounts, Picture
from service.media import Live, decode


def packet_ends(data: bytes) -> dict[int, int]:
    """Where the packet of each picture on time for a step ends, by step."""
    with av.open(BytesIO(data), "r") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    return {round((one.pts or 0) * 25 / 1000): (one.pos or 0) + one.size for one in packets}


@pytest.mark.parametrize(
    ("container", "video", "encoder"),
    [
        ("webm", "libvpx", {"deadline": "realtime"}),
        ("webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
        ("matroska", "libx264", {"tune": "zerolatency"}),
    ],
)
def test_a_live_picture_on_time_for_its_step_is_given_as_soon_as_its_bytes_are_there(
    container: str, video: str, encoder: dict[str, str]
) -> None:
    clip = Clip(container, video, "libopus", seconds=3.0, pictures=blocks, encoder=encoder, muxer={"live": "1"})
    data = write_clip(clip)
    data = as_a_browser_writes(data) if container == "webm" else data
    ends = packet_ends(data)
    source = Bytes(data, (100,))
    with decode(source) as media:
        opened = source.position
        given = {item.step: source.position for item in media if isinstance(item, Picture)}
    assert opened < len(data) / 4
    later = [step for step, end in ends.items() if end > opened]
    assert len(later) > 50
    assert all(given[step] < ends[step] + 200 for step in later)


def test_pictures_that_waited_too_long_are_given_without_an_image_and_counted() -> None:
    class Delayed(Bytes):
        """A second half of which the first part arrived long before it is read."""

        def arrival(self, offset: int) -> float:
            return 100.0 if len(self.data) // 2 < offset < len(self.data) * 3 // 4 else 1000.0

    clip = Clip("webm", "libvpx", "libopus", seconds=3.0, pictures=blocks, muxer={"live": "1"})
    data = write_clip(clip)
    with decode(Delayed(data), live=Live(5.0, clock=lambda: 1001.0)) as media:
        recording = Recording(list(media), media.info)
        counts = media.counts
    late = [picture.step for picture in recording.pictures if picture.image is None]
    assert 5 < len(late) < 30
    assert late == list(range(late[0], late[-1] + 1))
    assert counts == FrameCounts(received=75, measured=75 - len(late), late=len(late))
    assert [picture.frame for picture in recording.pictures] == list(range(75))
    assert {sound.arrived for sound in recording.sounds} == {100.0, 1000.0}
    with decode(Delayed(data)) as media:
        assert all(item.image is not None for item in media if isinstance(item, Picture))


def test_every_frame_of_a_recording_is_accounted_for() -> None:
    times = [index / 60 for index in range(120)]
    data = write_clip(Clip("webm", "libvpx", None, video_times=times))
    with decode(Bytes(data)) as media:
        for given, _ in enumerate(media, 1):
            counts = media.counts
            assert counts.measured == given
            assert counts.received == counts.measured + counts.off_grid
        assert media.counts.received == media.info.frames == 120
        assert media.counts.measured == 51
