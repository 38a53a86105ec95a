"""What one running application holds: made when it starts, closed when it stops."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Annotated, Final, TypeVar, cast

import numpy as np
from fastapi import Depends
from opentelemetry.trace import Tracer
from starlette.requests import HTTPConnection

from service.analysis import Analyser
from service.api import gauges, loop_lag
from service.api.admission import Admission
from service.api.drain import Drain
from service.api.gate import Gate
from service.api.metrics import Metrics
from service.api.model_watch import ModelWatch
from service.api.quotas import Quotas
from service.api.signing import Signer, signing_key
from service.domain import Box, Face, Step
from service.engine import Engine
from service.errors import Unavailable
from service.representation import CROP_SIZE, MEL_BINS, MELS_PER_STEP, REPRESENTATION_VERSION
from service.settings import Settings
from service.timeline.models import ModelInfo
from service.workers import WorkerPool, WorkerSettings

CHECKPOINT_FORM: Final = 2
"""Raised whenever a checkpoint's content changes its form or its meaning: sessions then cannot go on from older ones.
Another version of the service whose number is the same goes on with them, so that it can be rolled out under load."""

T = TypeVar("T")


class Service:
    """The parts of a running application. Make it with `running`."""

    def __init__(
        self, settings: Settings, engine: Engine, threads: ThreadPoolExecutor, drain: Drain, tracer: Tracer
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.tracer = tracer
        self.threads = threads
        """One thread for each analysis and session: they block in the engine, where those that meet share a batch."""
        self.admission = Admission(settings.max_analyses, "analyses")
        self.sessions = Admission(settings.max_sessions, "sessions")
        self.quotas = Quotas(settings.key_requests_per_minute, settings.key_sessions)
        self.gate = Gate(settings.keys(), lambda: self.access_signer, settings.token_lifetime)
        self.drain = drain
        self.metrics = Metrics()
        engine.on_batch = self.metrics.batch
        self.model_watch = ModelWatch(engine)
        self.pool = WorkerPool(
            settings.workers,
            WorkerSettings(
                hang_seconds=settings.worker_timeout,
                memory_bytes=settings.worker_memory_bytes,
                file_bytes=settings.max_spool_bytes,
                log_format=settings.log_format,
                spool_dir=settings.spool_dir,
            ),
            on_restart=self.metrics.restarts.inc,
            on_report=self.metrics.report,
            on_recovery=self.metrics.recovery,
        )
        self.warm = False
        gauges.install(self)

    @cached_property
    def model(self) -> ModelInfo:
        """What gives the numbers."""
        fusion = self.engine.fusion
        return ModelInfo(name=fusion.name, version=fusion.version, provider=self.engine.provider)

    @cached_property
    def _signing_key(self) -> bytes:
        """Made or read when the first token needs it."""
        key = self.settings.checkpoint_key
        return signing_key(key.get_secret_value() if key is not None else None)

    @cached_property
    def access_signer(self) -> Signer:
        """Signs access tokens, which any version and model takes."""
        return Signer(self._signing_key, model={})

    @cached_property
    def signer(self) -> Signer:
        """Signs checkpoints and baselines."""
        return Signer(
            self._signing_key,
            model={
                "form": CHECKPOINT_FORM,
                "name": self.model.name,
                "version": self.model.version,
                "state": self.engine.fusion.state_size,
                "representation": REPRESENTATION_VERSION,
            },
        )

    @property
    def ready(self) -> bool:
        """Whether an analysis could start now, other analyses and a drain aside."""
        return self.warm and self.engine.works and bool(self.pool.pids)

    def check(self) -> None:
        """Raise `Unavailable` where no analysis can be begun: the service is starting, or its model has failed."""
        if not self.warm:
            raise Unavailable("The service is starting.")
        self.engine.check()

    async def idle(self) -> None:
        """Wait until no analysis runs and no live session is open."""
        for admission in (self.admission, self.sessions):
            await admission.idle.wait()

    async def compute(self, call: Callable[[], T]) -> T:
        """Run `call` in one of the threads, so that the event loop goes on and calls that meet share a batch."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)

    def warm_up(self) -> None:
        """Run the whole analyser once on a step with a face and sound."""
        face = Face(track=1, box=Box(0, 0, 1, 1), crop=np.zeros((CROP_SIZE, CROP_SIZE), np.uint8))
        mel = np.zeros((MELS_PER_STEP, MEL_BINS), np.float32)
        Analyser(self.engine).push([Step(index=0, faces=(face,), mel=mel, speech=True)])
        self.warm = True


@asynccontextmanager
async def running(settings: Settings, drain: Drain, tracer: Tracer) -> AsyncIterator[Service]:
    """Load the model, start the decoding processes and warm up; stop it all at the end.

    Raises the `AttuneError` for which one of them cannot start.
    """
    engine = Engine.load(settings.weights_dir, settings.provider)
    with ThreadPoolExecutor(settings.max_analyses + settings.max_sessions, thread_name_prefix="analysis") as threads:
        service = Service(settings, engine, threads, drain, tracer)
        watches = [
            asyncio.create_task(service.model_watch.run(service.metrics.engine_failure)),
            asyncio.create_task(loop_lag.watch(service.metrics.loop_lag.observe)),
        ]
        try:
            await service.pool.start()
            service.warm_up()
            yield service
        finally:
            for watch in watches:
                watch.cancel()
            await service.pool.close()


def service_of(connection: HTTPConnection) -> Service:
    """The service behind a request or a WebSocket. Raises `Unavailable` before it has started."""
    service = getattr(connection.app.state, "service", None)
    if service is None:
        raise Unavailable("The service is starting or stopping.")
    return cast(Service, service)


ServiceDep = Annotated[Service, Depends(service_of)]
"""The running service of a request's application; 503 before it has started."""
