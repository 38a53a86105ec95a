"""Small uploads, beside an empty endpoint that only reads the body and the bare libraries at the same bytes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

from benchmarks.arithmetic import upload_ratios
from benchmarks.floor import Floor
from benchmarks.recording import record
from benchmarks.serving import Server, answering, say, serving
from benchmarks.webm import RATE, LoopedRecording

_TIMES = 20
_CLIENTS = 4


def measure(recording: LoopedRecording, folder: Path, rounds: int) -> list[dict[str, float]]:
    """Each round: the service, the empty endpoint and the floor in turn, many times; then several clients at once."""
    clip = folder / "picture.webm"
    clip.write_bytes(b"".join(piece.data for piece in recording.pieces(1 / RATE, 0)))
    media, work = clip.read_bytes(), record(clip)
    say(f"http: {len(media)} bytes, {work.counts()}")
    with serving() as service, answering("benchmarks.empty_endpoint") as empty, Floor() as floor:
        compared: list[Callable[[], object]] = [
            Uploads(service, media),
            Uploads(empty, media),
            lambda: floor.run(media, work),
        ]
        for one in compared:
            one()
        return [_round(service, empty, compared, media) for _ in range(rounds)]


class Uploads:
    """The same upload again and again over one connection."""

    def __init__(self, server: Server, media: bytes) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port)
        self._media = media

    def __call__(self) -> None:
        """One upload. Raises RuntimeError where it is refused."""
        self._connection.request("POST", "/v1/analyses", self._media, {"Content-Type": "video/webm"})
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"an upload was refused: {body!r}")


def _round(service: Server, empty: Server, compared: list[Callable[[], object]], media: bytes) -> dict[str, float]:
    taken: list[list[float]] = [[] for _ in compared]
    for _ in range(_TIMES):
        for one, times in zip(compared, taken, strict=True):
            began = time.perf_counter()
            one()
            times.append(time.perf_counter() - began)
    request, nothing, bare = map(median, taken)
    ratios = upload_ratios(request, nothing, bare) | {
        "uploads_per_second": _rate(service, media),
        "empty_per_second": _rate(empty, media),
    }
    say(f"http: {', '.join(f'{name} {value:.3g}' for name, value in ratios.items())}")
    return ratios


def _rate(server: Server, media: bytes) -> float:
    """Uploads per second of several clients at once, each over a connection of its own."""

    def some(upload: Uploads) -> None:
        for _ in range(_TIMES):
            upload()

    began = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as clients:
        for done in [clients.submit(some, Uploads(server, media)) for _ in range(_CLIENTS)]:
            done.result()
    return _CLIENTS * _TIMES / (time.perf_counter() - began)
