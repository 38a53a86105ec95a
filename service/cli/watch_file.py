"""A file as a live source sends it: packets in a Matroska stream, each when its time has come."""

from collections.abc import Iterator

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

from service.cli.sources import NotAFile, can_be_read_twice, open_source
from service.errors import UnsupportedMedia

_MUXER = {
    "cluster_time_limit": "100",  # milliseconds: as often as a browser's recorder hands on what it has
    "max_interleave_delta": "100000",  # microseconds: a stream that has ended holds the other up no longer
}


def play(name: str) -> Iterator[tuple[float, bytes]]:
    """Chunks of a Matroska stream with the packets of a file, and the seconds from the start when each is due.

    Nothing is coded anew. Raises the errors of `open_source`, and `UnsupportedMedia` for what Matroska cannot hold.
    """
    if not can_be_read_twice(name):
        with open_source(name):
            raise NotAFile("Only a file or a camera can be watched.")
    try:
        with av.open(name) as file:
            yield from _packets(file)
    except av.FFmpegError as error:
        raise UnsupportedMedia(f"The file cannot be played: {error.strerror}.") from error


class _Chunks:
    """Collects what the muxer writes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data, self._data = bytes(self._data), bytearray()
        return data


def _packets(file: InputContainer) -> Iterator[tuple[float, bytes]]:
    chosen = _streams(file)
    chunks = _Chunks()
    begin: float | None = None
    due = 0.0
    with av.open(chunks, "w", format="matroska", options=_MUXER) as stream:
        outputs = {one.index: stream.add_stream_from_template(one) for one in chosen}
        for packet in file.demux(*chosen):
            if packet.dts is None or (packet.stream.type == "audio" and packet.pts is not None and packet.pts < 0):
                continue  # the end of a stream, or what a coder puts before the first sample
            time = float(packet.dts * packet.time_base)
            begin = time if begin is None else begin
            due = max(due, time - begin)
            packet.stream = outputs[packet.stream.index]
            stream.mux_one(packet)
            if chunk := chunks.take():
                yield due, chunk
    if chunk := chunks.take():
        yield due, chunk


def _streams(file: InputContainer) -> list[Stream]:
    """The first moving picture and the first sound track."""
    pictures = [one for one in file.streams.video if not one.disposition & Disposition.attached_pic]
    chosen: list[Stream] = [*pictures[:1], *file.streams.audio[:1]]
    if not chosen:
        raise UnsupportedMedia("The file holds neither pictures nor sound.")
    return chosen
