"""What operators see: Prometheus metrics, in a registry of the application's own. docs/operations.md explains each.

The values of every label come from closed sets, so the number of series is bounded.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from service.engine import Batch, Fate, Model
from service.errors import AttuneError
from service.representation import STEP_RATE
from service.workers import Report, SessionOptions

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST

Kind = Literal["analysis", "session"]
"""An upload, or a live session."""

MODELS: Final[tuple[Model, ...]] = get_args(Model)
"""The networks."""
_RESULTS: Final[tuple[Fate, ...]] = get_args(Fate)

_DELAYS: Final = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10)
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 150, 400, 1000)
_WAITS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_STAGES: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_RUNS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_LAGS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)
_ROWS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


@dataclass(frozen=True, slots=True)
class Stages:
    """Where the time of one kind of work goes, in seconds."""

    queue: Histogram
    decode: Histogram
    perception: Histogram
    inference: Histogram


@dataclass(frozen=True, slots=True)
class _Batches:
    """The runs of one network; their labels are looked up once, not at every step of every session."""

    rows: Histogram
    waits: Histogram
    runs: Histogram


class Meter:
    """Adds up what pieces of media take, and observes it once for each second of media."""

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._steps = 0
        self._seconds = 0.0

    def add(self, steps: int, seconds: float) -> None:
        """Count that many steps of media, which took `seconds` together."""
        self._steps += steps
        self._seconds += seconds
        while self._steps >= STEP_RATE:
            share = self._seconds * STEP_RATE / self._steps
            self._histogram.observe(share)
            self._steps -= STEP_RATE
            self._seconds -= share

    def finish(self) -> None:
        """Observe what is left at the end of the media."""
        if self._steps:
            self._histogram.observe(self._seconds)
        self._steps, self._seconds = 0, 0.0


def _kind(options: SessionOptions) -> Kind:
    return "session" if options.live else "analysis"


class Metrics:
    """All counters and histograms of one application; its gauges are in `service.api.gauges`."""

    def __init__(self) -> None:
        # They are one more series for each, and Prometheus makes nothing of them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        self.requests = counter(
            "attune_requests_total",
            "HTTP requests and WebSocket handshakes answered, by route, status and code (ok, or that of the error).",
            "route",
            "status",
            "code",
        )
        self.analyses = counter(
            "attune_analyses_total",
            "Analyses that ended, by outcome: ok, cancelled (the client left), or the code of the error.",
            "outcome",
        )
        self.sessions = counter(
            "attune_sessions_total",
            "Live sessions that ended, by outcome: ok, cancelled (the client left), or the code of the error.",
            "outcome",
        )
        self.resumed = counter("attune_sessions_resumed_total", "Live sessions that went on from a checkpoint.")
        self.received = counter("attune_received_bytes_total", "Bytes of request bodies and of live media.")
        self.media = counter("attune_media_seconds_total", "Media analysed.")
        self.total = histogram(
            "attune_analysis_seconds", "From the request to the end of the analysis, refused ones left out.", _SECONDS
        )
        queue = histogram("attune_queue_seconds", "How long work waited before anybody did it.", _WAITS, "kind")
        decode = histogram(
            "attune_decode_seconds", "Decoding, once for each second of media, without waiting for it.", _STAGES, "kind"
        )
        perception = histogram(
            "attune_perception_seconds", "Finding faces and speech, once for each second of media.", _STAGES, "kind"
        )
        inference = histogram(
            "attune_inference_seconds",
            "In the analyser: the model and waiting for its batches, once for each second of media.",
            _STAGES,
            "kind",
        )

        def stages(kind: Kind) -> Stages:
            return Stages(queue.labels(kind), decode.labels(kind), perception.labels(kind), inference.labels(kind))

        self.stages: dict[Kind, Stages] = {"analysis": stages("analysis"), "session": stages("session")}
        self.delay = histogram(
            "attune_measurement_delay_seconds",
            "From the arrival of a step's newest media to the departure of its measurement, in live sessions.",
            _DELAYS,
        )
        self.loop_lag = histogram(
            "attune_event_loop_lag_seconds", "How late the event loop got to what was due, fifty times a second.", _LAGS
        )
        self.measurements = counter("attune_measurements_total", "Measurements sent in live sessions.")
        self.frames = counter(
            "attune_frames_total",
            "Pictures received in live sessions, by fate: measured, off_grid, late, invalid or absent.",
            "fate",
        )
        self._video = counter("attune_video_steps_total", "Steps of media with video, by whether of a face.", "face")
        self._sound = counter("attune_sound_steps_total", "Steps of media with sound, by whether of speech.", "speech")
        rows = histogram("attune_batch_rows", "Rows that one run of the model took together.", _ROWS, "model")
        waits = histogram(
            "attune_batch_wait_seconds", "From a call of the model to the begin of its run.", _WAITS, "model"
        )
        runs = histogram("attune_batch_seconds", "One run of the model.", _RUNS, "model")
        self._batches = {
            model: _Batches(rows.labels(model), waits.labels(model), runs.labels(model)) for model in MODELS
        }
        self._engine_failures = counter(
            "attune_engine_failures_total",
            "Calls of the model whose run failed, by what became of them: recovered, refused or failed.",
            "model",
            "result",
        )
        self.restarts = counter("attune_worker_restarts_total", "Decoding processes that ended and were replaced.")
        self._recovered = counter(
            "attune_sessions_recovered_total",
            "Uploads and live sessions that went on in another decoding process when theirs had ended.",
            "kind",
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """A series that begins with its first failure has no rate at that moment, so an alert would miss it."""
        for outcome in ("ok", "cancelled", *sorted(error.code for error in AttuneError.__subclasses__())):
            self.analyses.labels(outcome)
            self.sessions.labels(outcome)
        for fate in ("measured", "off_grid", "late", "invalid", "absent"):
            self.frames.labels(fate)
        for model in MODELS:
            for result in _RESULTS:
                self._engine_failures.labels(model, result)
        for answer in ("yes", "no"):
            self._video.labels(answer)
            self._sound.labels(answer)
        for kind in get_args(Kind):
            self._recovered.labels(kind)

    def report(self, options: SessionOptions, report: Report) -> None:
        """Count what a decoding process has measured of an upload or session."""
        stages = self.stages[_kind(options)]
        if options.live:
            stages.queue.observe(report.queue)
        stages.decode.observe(report.decode)
        stages.perception.observe(report.perception)
        self._video.labels("yes").inc(report.face_steps)
        self._video.labels("no").inc(report.video_steps - report.face_steps)
        self._sound.labels("yes").inc(report.speech_steps)
        self._sound.labels("no").inc(report.sound_steps - report.speech_steps)

    def recovery(self, options: SessionOptions) -> None:
        """Count an upload or session that goes on in another decoding process."""
        self._recovered.labels(_kind(options)).inc()

    def batch(self, model: Model, batch: Batch) -> None:
        """Count one run of the model."""
        observed = self._batches[model]
        observed.rows.observe(batch.rows)
        observed.runs.observe(batch.seconds)
        for wait in batch.waits:
            observed.waits.observe(wait)

    def engine_failure(self, model: Model, fate: Fate) -> None:
        """Count a call of the model whose run failed."""
        self._engine_failures.labels(model, fate).inc()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format, whose media type is `MEDIA_TYPE`."""
        return generate_latest(self.registry)
