"""Requests that never stop coming while replicas are restarted: uploads, slow and quick, and questions."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from api.harness import PATIENCE

from service.domain import Sound
from service.media import decode
from service.representation import SAMPLE_RATE

_MEDIA = {"Content-Type": "application/octet-stream"}
_PIECES = 10
"""In which a slow upload comes."""
_PAUSE = 0.2
"""Seconds between these pieces, and at most between two quick requests."""

Result = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """What the uploads are answered while nothing is restarted."""

    video: Result
    sound: Result


async def answers(url: str, sample: Path) -> Answers:
    """Upload both once."""
    async with _client(url) as client:
        return Answers(await _upload(client, _bytes(sample)), await _upload(client, _spoken(sample)))


class Requests:
    """Sends requests until it is told to stop. The first that fails, or is answered otherwise, fails it all."""

    def __init__(self, url: str, sample: Path, wanted: Answers) -> None:
        self._url = url
        self._sample = sample
        self._wanted = wanted
        self.stopping = asyncio.Event()
        """Set it to stop; `run` returns once the last ones have been answered."""
        self.uploads = 0
        """Answered so far."""
        self.questions = 0

    async def run(self) -> None:
        """Send all kinds at the same time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._upload_slowly())
            group.create_task(self._upload_quickly())
            group.create_task(self._ask())

    async def _upload_slowly(self) -> None:
        """A recording that takes two seconds to send, again and again; each over a connection of its own."""
        while not self.stopping.is_set():
            async with _client(self._url) as client:
                self._check(await _upload(client, _trickle(_bytes(self._sample))), self._wanted.video)

    async def _upload_quickly(self) -> None:
        """A second of sound, again and again, over a connection that the client keeps."""
        async with _client(self._url) as client:
            while not self.stopping.is_set():
                self._check(await _upload(client, _spoken(self._sample)), self._wanted.sound)
                await asyncio.sleep(_PAUSE)

    def _check(self, result: Result, wanted: Result) -> None:
        people = [(person["id"], len(person["timeline"])) for person in result["people"]]
        assert people == [(person["id"], len(person["timeline"])) for person in wanted["people"]]
        for one, other in zip(result["people"], wanted["people"], strict=True):
            assert one["summary"]["probabilities"] == pytest.approx(other["summary"]["probabilities"], abs=1e-5)
        self.uploads += 1

    async def _ask(self) -> None:
        """Something quick, again and again, over a connection that the client keeps."""
        async with _client(self._url) as client:
            while not self.stopping.is_set():
                answer = await client.get("/v1/model")
                assert answer.status_code == 200, answer.text
                self.questions += 1
                await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as client:
        yield client


async def _upload(client: httpx.AsyncClient, content: bytes | AsyncIterator[bytes]) -> Result:
    answer = await client.post("/v1/analyses", content=content, headers=_MEDIA)
    assert answer.status_code == 200, answer.text
    result: Result = answer.json()
    return result


async def _trickle(data: bytes) -> AsyncIterator[bytes]:
    size = -(-len(data) // _PIECES)
    for at in range(0, len(data), size):
        yield data[at : at + size]
        await asyncio.sleep(_PAUSE)


@cache
def _bytes(sample: Path) -> bytes:
    return sample.read_bytes()


@cache
def _spoken(sample: Path) -> bytes:
    """The first second of the clip's sound as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        for sound in _sounds(sample):
            if sound.start < SAMPLE_RATE:
                file.writeframes((sound.samples * 32768).astype("<i2").tobytes())
    return out.getvalue()


def _sounds(sample: Path) -> Iterator[Sound]:
    with decode(io.BytesIO(_bytes(sample))) as media:
        yield from (item for item in media if isinstance(item, Sound))
