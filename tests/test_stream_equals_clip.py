"""Stream equals clip: from the bytes of a file to the result, how the bytes arrive changes nothing."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis import Recording
from service.engine import Engine
from service.media import decode
from service.perception.detector import FaceDetector
from service.perception.perceive import perceive
from service.timeline import AnalysisResult

_SECONDS = 2.6
_CONTAINERS = {
    "index first": ("mp4", {"movflags": "faststart"}),
    "index last": ("mp4", {}),
    "fragmented": ("mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}),
    "matroska": ("matroska", {}),
}


class _Dribble:
    """A source that gives its bytes in pieces of the given sizes, over and over."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content, self._sizes, self._at, self._turn = content, sizes, 0, 0

    def read(self, size: int, /) -> bytes:
        piece = min(size, self._sizes[self._turn % len(self._sizes)])
        self._turn += 1
        chunk = self._content[self._at : self._at + piece]
        self._at += len(chunk)
        return chunk


@cache
def _clip(sample: Path, container: str) -> bytes:
    """The beginning of the sample clip, its packets copied into another container."""
    name, options = _CONTAINERS[container]
    with TemporaryDirectory() as folder:
        file = Path(folder, "clip")  # moving an index to the front needs a file
        _remux(sample, file, name, options)
        return file.read_bytes()


def _remux(sample: Path, file: Path, container: str, options: dict[str, str]) -> None:
    with av.open(str(sample)) as source, av.open(str(file), "w", format=container, options=options) as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.pts is not None and packet.pts * packet.time_base < _SECONDS:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)


def _analyse(
    engine: Engine, detector: FaceDetector, content: bytes, sizes: list[int], group: int
) -> tuple[AnalysisResult, int]:
    """The result, and the number of measurements given on the way."""
    recording, waiting, count = Recording(engine), [], 0
    with decode(_Dribble(content, sizes)) as media:
        for step in perceive(media, detector):
            waiting.append(step)
            if len(waiting) == group:
                count += len(recording.push(waiting))
                waiting.clear()
    count += len(recording.push(waiting))
    return recording.finish(media.info), count


def _assert_equal(found: Any, wanted: Any, path: str = "") -> None:
    """The same document, numbers within 1e-5."""
    if isinstance(wanted, dict):
        assert list(found) == list(wanted), path
        for key in wanted:
            _assert_equal(found[key], wanted[key], f"{path}.{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), path
        for place, (one, other) in enumerate(zip(found, wanted, strict=True)):
            _assert_equal(one, other, f"{path}[{place}]")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, abs=1e-5), path
    else:
        assert found == wanted, path


@pytest.mark.parametrize("container", _CONTAINERS)
def test_any_chunking_of_the_bytes_gives_the_same_result(
    engine: Engine, detector: FaceDetector, sample: Path, container: str
) -> None:
    content = _clip(sample, container)
    whole, measured = _analyse(engine, detector, content, [len(content)], group=25)
    assert [person.summary.modalities for person in whole.people] == [["audio", "video"]]
    assert measured == len(whole.people[0].timeline) > 40
    wanted = whole.model_dump()

    @settings(max_examples=5, deadline=None)
    @given(sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=12), group=st.integers(1, 40))
    def check(sizes: list[int], group: int) -> None:
        found, count = _analyse(engine, detector, content, [max(size, 97) for size in sizes], group)
        assert count == measured
        _assert_equal(found.model_dump(), wanted)

    check()


def test_a_spooled_file_equals_a_streamed_one(engine: Engine, detector: FaceDetector, sample: Path) -> None:
    streamed, _ = _analyse(engine, detector, _clip(sample, "index first"), [10**9], group=10)
    spooled, _ = _analyse(engine, detector, _clip(sample, "index last"), [10**9], group=10)
    _assert_equal(spooled.model_dump(), streamed.model_dump())
