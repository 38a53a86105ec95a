"""What a running service says of itself at the moment it is asked; docs/operations.md explains each gauge."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import Gauge

from service import __version__
from service.api.metrics import MODELS
from service.engine import Engine, Model

if TYPE_CHECKING:
    from service.api.state import Service


def _waiting(engine: Engine, model: Model) -> float:
    return engine.waiting()[model]


def install(service: "Service") -> None:
    """Add the gauges to the service's metrics."""
    registry, settings = service.metrics.registry, service.settings

    def gauge(name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=registry).set_function(value)

    def fact(name: str, text: str, /, **labels: str) -> None:
        Gauge(name, text, list(labels), registry=registry).labels(**labels).set(1)

    gauge("attune_active_analyses", "Analyses running now.", lambda: service.admission.active)
    gauge("attune_analyses_limit", "Analyses that may run at once.", lambda: settings.max_analyses)
    gauge("attune_sessions_active", "Live sessions open now.", lambda: service.sessions.active)
    gauge("attune_sessions_limit", "Live sessions that may be open at once.", lambda: settings.max_sessions)
    gauge("attune_live_workers", "Decoding processes ready for work.", lambda: len(service.pool.pids))
    gauge("attune_configured_workers", "Decoding processes that there should be.", lambda: settings.workers)
    gauge("attune_ready", "What /health/ready says: 1 or 0.", lambda: service.ready and not service.drain.has_begun)
    gauge("attune_draining", "Whether the service has been told to stop: 1 or 0.", lambda: service.drain.has_begun)
    depth = Gauge("attune_queue_depth", "Calls that wait for the model now.", ["model"], registry=registry)
    for model in MODELS:
        depth.labels(model).set_function(partial(_waiting, service.engine, model))
    fact("attune_build_info", "The version of the service.", version=__version__)
    told = service.model
    fact(
        "attune_model_info",
        "The model, and where it runs.",
        name=told.name,
        version=told.version,
        provider=told.provider,
    )
