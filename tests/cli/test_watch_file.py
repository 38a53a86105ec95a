"""A file played as a live source: the same pictures and sound, each when it is due."""

from itertools import pairwise
from pathlib import Path

import pytest
from media.clips import Clip, read_all, write_clip

from service.cli.sources import FileMissing, NotAFile
from service.cli.watch_file import play
from service.errors import UnsupportedMedia


def played(folder: Path, clip: Clip) -> tuple[bytes, list[tuple[float, bytes]]]:
    """A clip, and the chunks that it is played in."""
    file = folder / "clip"
    file.write_bytes(data := write_clip(clip))
    return data, list(play(str(file)))


@pytest.mark.parametrize(
    "clip",
    [
        Clip(seconds=2),
        Clip(seconds=2, audio=None),
        Clip(seconds=2, video=None),
        Clip("matroska", seconds=2, video="libvpx", audio="libopus"),
        Clip(seconds=2, video_start=0.4),
        Clip(seconds=2, rotation=90),
    ],
    ids=["mp4 with its index at the end", "picture", "sound", "webm", "late picture", "rotated"],
)
def test_a_server_reads_the_same_pictures_and_sound(tmp_path: Path, clip: Clip) -> None:
    data, chunks = played(tmp_path, clip)
    original, copy = read_all(data), read_all(b"".join(chunk for _, chunk in chunks))
    assert copy.steps == original.steps
    assert copy.levels == original.levels
    assert (copy.info.width, copy.info.height) == (original.info.width, original.info.height)
    assert (copy.info.has_audio, copy.info.has_video) == (original.info.has_audio, original.info.has_video)
    assert copy.info.duration == pytest.approx(original.info.duration, abs=0.03)


def test_each_chunk_is_due_when_its_last_packet_is_and_small(tmp_path: Path) -> None:
    _, chunks = played(tmp_path, Clip(seconds=4))
    times = [due for due, _ in chunks]
    assert times == sorted(times)
    assert times[0] <= 0.2
    assert max(later - earlier for earlier, later in pairwise(times)) <= 0.3
    assert 3.8 <= times[-1] <= 4.1


def test_a_stream_that_ends_early_holds_the_other_up_no_longer(tmp_path: Path) -> None:
    _, chunks = played(tmp_path, Clip(seconds=4, audio_gap=(1.0, 4.0)))
    times = [due for due, _ in chunks]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 0.5


def test_what_cannot_be_played_has_its_code(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no media at all")
    with pytest.raises(UnsupportedMedia):
        next(play(str(text)))
    with pytest.raises(FileMissing):
        next(play(str(tmp_path / "absent")))
    with pytest.raises(NotAFile):
        next(play(str(tmp_path)))
    with pytest.raises(NotAFile):
        next(play("/dev/zero"))
