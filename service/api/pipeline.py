"""One upload through a decoding process and the analyser while it arrives."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from starlette.requests import ClientDisconnect

from service.analysis import Recording
from service.api.concurrency import guarded
from service.api.metrics import Meter
from service.api.state import Service
from service.api.tracing import mark
from service.api.upload import Upload
from service.domain import MediaInfo, Step
from service.errors import WorkerFailed
from service.workers import DurableSession, Notice

Progress = Callable[[float, int], None]
"""Told the seconds of media analysed and the people met so far."""


class Pipeline:
    """Feeds one upload to one session, and the session's steps to one analysis."""

    def __init__(
        self, service: Service, upload: Upload, session: DurableSession, analysis: Recording, on_progress: Progress
    ) -> None:
        self._service = service
        self._upload = upload
        self._session = session
        self._analysis = analysis
        self._on_progress = on_progress
        self._fed = asyncio.Event()
        self._inference_seconds = 0.0
        self._meter = Meter(service.metrics.stages["analysis"].inference)

    async def run(self) -> bytes:
        """The `AnalysisResult` as JSON.

        Raises what the upload or the session raises, whichever fails first; among them `ClientDisconnect` as soon as
        the client leaves, and `Draining` once the service has to be gone.
        """
        try:
            return await guarded(self._work(), self._feed(), self._service.drain.until_over())
        finally:
            self._meter.finish()
            mark(
                media_seconds=self._analysis.seconds,
                decode_seconds=self._session.decode_seconds,
                perception_seconds=self._session.perception_seconds,
                inference_seconds=self._inference_seconds,
            )

    async def _feed(self) -> NoReturn:
        async for chunk in self._upload:
            await self._session.send(chunk)
        await self._session.end()
        self._fed.set()
        await self._upload.closed()
        raise ClientDisconnect

    async def _work(self) -> bytes:
        async for steps in self._session:
            if isinstance(steps, Notice):  # of live sessions only
                continue
            await self._service.compute(partial(self._push, steps))
            self._on_progress(self._analysis.seconds, self._analysis.people)
        await self._fed.wait()  # the media may end before the body does
        info = self._session.info
        if info is None:
            raise WorkerFailed("The process that decoded this media did not describe it.")
        result = await self._service.compute(partial(self._result, info))
        self._service.metrics.media.inc(info.duration)
        return result

    def _push(self, steps: list[Step]) -> None:
        started = time.monotonic()
        try:
            self._analysis.push(steps)
        finally:
            seconds = time.monotonic() - started
            self._inference_seconds += seconds
            self._meter.add(len(steps), seconds)

    def _result(self, info: MediaInfo) -> bytes:
        return self._analysis.finish(info).model_dump_json().encode()
