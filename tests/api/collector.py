"""A collector of OpenTelemetry traces on loopback, and what it was sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from api.harness import wait_until
from api.stub import answering
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Span:
    """What matters of one span."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]


@dataclass
class Collector:
    """What was sent to it."""

    url: str
    spans: list[Span] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)

    def span(self, name: str) -> Span:
        """The one span of a name, once it has come."""
        wait_until(lambda: any(span.name == name for span in self.spans))
        [found] = [span for span in self.spans if span.name == name]
        return found


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on loopback."""
    told = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                told.resource = plain(group.resource.attributes)
                for scope in group.scope_spans:
                    for one in scope.spans:
                        ids = (one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex())
                        told.spans.append(Span(one.name, *ids, plain(one.attributes)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with answering(Handler) as port:
        told.url = f"http://127.0.0.1:{port}/v1/traces"
        yield told
