import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from media.clips import Bytes, Clip, read_all, write_clip

from service.domain import Picture
from service.errors import BodyTooLarge, MediaTruncated, Unavailable
from service.media import MediaLimits, decode
from service.media.source import MediaSource
from service.media.spool import Spool


@pytest.fixture(scope="module")
def index_last() -> bytes:
    return write_clip(Clip(seconds=2.0))


def test_the_spool_holds_what_the_source_gave(tmp_path: Path) -> None:
    source = MediaSource(Bytes(b"abcdef" * 100, (7,)), 1 << 20)
    source.peek(50)
    with Spool(tmp_path) as spool:
        spool.fill(source, 600)
        assert spool.size == 600
        assert spool.read(6) == b"abcdef"
        spool.seek(598)
        assert spool.read(10) == b"ef"
        assert spool.tell() == 600


def test_no_file_is_to_be_seen_while_spooling_nor_after(tmp_path: Path, index_last: bytes) -> None:
    with decode(Bytes(index_last), spool_dir=tmp_path) as media:
        pictures = sum(isinstance(item, Picture) for item in media)
        assert list(tmp_path.iterdir()) == []
    assert pictures == 50
    assert list(tmp_path.iterdir()) == []


def test_no_descriptor_stays_open_after_success_or_failure(tmp_path: Path, index_last: bytes) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    read_all(index_last)
    before = descriptors()
    for data in (index_last, index_last[:-100], index_last[:1000]):
        with suppress(MediaTruncated), decode(Bytes(data), spool_dir=tmp_path) as media:
            next(iter(media))
    assert descriptors() == before


def test_more_than_the_spool_may_hold_is_refused_without_reading_on(index_last: bytes) -> None:
    source = Bytes(index_last, (1000,))
    with pytest.raises(BodyTooLarge, match="index first"), decode(source, MediaLimits(max_spool_bytes=5000)):
        pytest.fail("entered")
    assert source.position < 50_000


def test_an_index_that_announces_more_than_there_is_is_refused_on_entering(index_last: bytes) -> None:
    start = index_last.index(b"mdat") - 4
    size = int.from_bytes(index_last[start : start + 4], "big")
    lost = size // 2
    short = (size - lost).to_bytes(4, "big")
    data = index_last[:start] + short + index_last[start + 4 : start + size - lost] + index_last[start + size :]
    with pytest.raises(MediaTruncated), decode(Bytes(data)):
        pytest.fail("entered")


def test_a_recording_with_its_index_first_needs_no_spool() -> None:
    data = write_clip(Clip(muxer={"movflags": "faststart"}))
    assert read_all(data, MediaLimits(max_spool_bytes=0)).info.frames == 25


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path, index_last: bytes) -> None:
    with pytest.raises(Unavailable), decode(Bytes(index_last), spool_dir=tmp_path / "absent"):
        pytest.fail("entered")


_LITTLE_ROOM = """
import resource, sys
from service.errors import Unavailable
from service.media import decode
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # as a full disk does, a write fails
try:
    with open(sys.argv[1], "rb") as source, decode(source, spool_dir=sys.argv[2]):
        print("entered")
except Unavailable as error:
    print(error.code)
"""


def test_a_file_system_without_room_is_unavailable(index_last: bytes, tmp_path: Path) -> None:
    recording = tmp_path / "recording.mp4"
    recording.write_bytes(index_last)
    # In a process of its own: the limit holds for every file that a process writes.
    child = subprocess.run(
        [sys.executable, "-c", _LITTLE_ROOM, str(recording), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert child.stdout.split() == ["unavailable"]


def test_what_stopped_the_source_stops_the_spooling(index_last: bytes) -> None:
    with pytest.raises(BodyTooLarge, match="recording has"), decode(Bytes(index_last), MediaLimits(max_bytes=5000)):
        pytest.fail("entered")
