"""What operators see: Prometheus metrics, in a registry of the application's own."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
_DELAYS: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10)
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 150, 400, 1000)


class Metrics:
    """All metrics of one application."""

    def __init__(
        self, *, active: Callable[[], float], sessions: Callable[[], float], workers: Callable[[], float]
    ) -> None:
        self.registry = CollectorRegistry()

        def histogram(name: str, text: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
            return Histogram(name, text, buckets=buckets, registry=self.registry)

        def gauge(name: str, text: str, value: Callable[[], float]) -> None:
            Gauge(name, text, registry=self.registry).set_function(value)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        self.analyses = counter(
            "attune_analyses_total",
            "Analyses that ended, by outcome: ok, cancelled, or the code of the error.",
            "outcome",
        )
        self.total = histogram("attune_analysis_seconds", "From the request to the end of the analysis.")
        self.queue = histogram("attune_queue_seconds", "Waiting for a decoding process, per analysis.")
        self.inference = histogram(
            "attune_inference_seconds", "In the analyser: the model and waiting for its batches, per analysis."
        )
        self.media = counter("attune_media_seconds_total", "Media analysed.")
        self.received = counter("attune_received_bytes_total", "Bytes of request bodies and of live media.")
        self.restarts = counter("attune_worker_restarts_total", "Decoding processes that ended and were replaced.")
        self.sessions = counter(
            "attune_sessions_total",
            "Live sessions that ended, by outcome: ok, cancelled (the client left), or the code of the error.",
            "outcome",
        )
        self.measurements = counter("attune_measurements_total", "Measurements sent in live sessions.")
        self.delay = histogram(
            "attune_measurement_delay_seconds",
            "From the arrival of a step's newest media to the departure of its measurement, in live sessions.",
            _DELAYS,
        )
        self.frames = counter(
            "attune_frames_total",
            "Pictures received in live sessions, by fate: measured, off_grid, late, invalid or absent.",
            "fate",
        )
        gauge("attune_active_analyses", "Analyses running now.", active)
        gauge("attune_sessions_active", "Live sessions open now.", sessions)
        gauge("attune_live_workers", "Decoding processes ready for work.", workers)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format, whose media type is `MEDIA_TYPE`."""
        return generate_latest(self.registry)
