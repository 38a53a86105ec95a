"""What one running application holds: made when it starts, closed when it stops."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, cast

import numpy as np
from fastapi import Depends, Request

from service.analysis import Analyser
from service.api.admission import Admission
from service.api.metrics import Metrics
from service.domain import Box, Face, Step
from service.engine import Engine
from service.errors import Unavailable
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP
from service.settings import Settings
from service.workers import WorkerPool


class Service:
    """The parts of a running application. Make it with `running`."""

    def __init__(self, settings: Settings, engine: Engine, threads: ThreadPoolExecutor) -> None:
        self.settings = settings
        self.engine = engine
        self.threads = threads
        """One thread for each analysis: they block in the engine, where those that meet share a batch."""
        self.admission = Admission(settings.max_analyses)
        self.pool = WorkerPool(
            settings.workers,
            hang_seconds=settings.worker_timeout,
            memory_bytes=settings.worker_memory_bytes,
            on_restart=lambda: self.metrics.restarts.inc(),
        )
        self.metrics = Metrics(active=lambda: self.admission.active, workers=lambda: len(self.pool.pids))
        self.warm = False

    @property
    def ready(self) -> bool:
        """Whether an analysis could start now, other analyses aside."""
        return self.warm and bool(self.pool.pids)

    def warm_up(self) -> None:
        """Run the whole analyser once on a step with a face and sound."""
        face = Face(track=1, box=Box(0, 0, 1, 1), crop=np.zeros((CROP_SIZE, CROP_SIZE), np.uint8))
        mel = np.zeros((MELS_PER_STEP, MEL_BINS), np.float32)
        Analyser(self.engine).push([Step(index=0, faces=(face,), mel=mel, speech=True)])
        self.warm = True


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """Load the model, start the decoding processes and warm up; stop it all at the end.

    Raises the `AttuneError` for which one of them cannot start.
    """
    engine = Engine.load(settings.weights_dir, settings.provider)
    with ThreadPoolExecutor(settings.max_analyses, thread_name_prefix="analysis") as threads:
        service = Service(settings, engine, threads)
        try:
            await service.pool.start()
            service.warm_up()
            yield service
        finally:
            await service.pool.close()


def _service(request: Request) -> Service:
    service = getattr(request.app.state, "service", None)
    if service is None:
        raise Unavailable("The service is starting or stopping.")
    return cast(Service, service)


ServiceDep = Annotated[Service, Depends(_service)]
"""The running service of a request's application; 503 before it has started."""
