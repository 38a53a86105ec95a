"""OpenTelemetry traces of requests and live sessions, where a collector is named; none else.

FastAPI makes the spans of requests; what takes time within an analysis gets spans of its own. The SDK is an extra, so
it is imported only here, and only when traces are asked for.
"""

import asyncio
import os
import threading
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from service import __version__
from service.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

EXPORT_SECONDS: Final = 5.0
"""How long spans may take on their way, and how long the service waits for its last when it stops."""

_UNTRACED: Final = ("/health/", "/metrics")
_OF_CALLERS: Final = ("url.path", "url.query", "server.address", "http.request.method_original")
"""What callers write: a query may hold an access token, a path the name of a file. The route is told by itself."""


def provider_of(settings: Settings) -> "TracerProvider | None":
    """What spans are made and sent by; None where no traces are asked for. The standard variables (OTEL_...) say the
    service's name, how many requests are sampled, and the like."""
    if settings.trace_endpoint is None:
        return None
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Redacted(SpanProcessor):
        """Hides `_OF_CALLERS`."""

        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            del parent_context
            for name in _OF_CALLERS:
                if span.attributes and name in span.attributes:
                    span.set_attribute(name, "REDACTED")

    own = {"service.version": __version__}
    if "OTEL_SERVICE_NAME" not in os.environ:
        own["service.name"] = "attune"
    # A collector that is away must not hold the process up when it leaves: what the SDK does at exit has no bound.
    provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(Redacted())
    exporter = OTLPSpanExporter(endpoint=settings.trace_endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def telemetry(provider: "TracerProvider | None") -> TelemetryConfig:
    """What FastAPI is to do of itself: spans, where there is a provider; nothing that the environment asks for."""
    return TelemetryConfig(
        tracer_provider=provider,
        tracing=provider is not None,
        metrics=False,
        logs=False,
        operation_spans=False,
        auto_configure=False,
        exclude=_is_untraced,
    )


async def flush(provider: "TracerProvider | None") -> None:
    """Send what has not been sent yet, and give up after `EXPORT_SECONDS`."""
    if provider is not None:
        # The SDK waits that long for each of several batches; a thread of our own can be left behind.
        sending = threading.Thread(target=provider.force_flush, name="last spans", daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, EXPORT_SECONDS)


def tracer_of(provider: "TracerProvider | None") -> trace.Tracer:
    """What makes the spans within an analysis."""
    return (provider or trace.NoOpTracerProvider()).get_tracer("attune", __version__)


def mark(**attributes: str | float) -> None:
    """Add attributes to the current span, `attune.` before each name."""
    trace.get_current_span().set_attributes({f"attune.{name}": value for name, value in attributes.items()})


def trace_id() -> str | None:
    """The id of the trace that the current request belongs to, in hexadecimal; None where it is not traced."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return str(scope.get("path", "")).startswith(_UNTRACED)
