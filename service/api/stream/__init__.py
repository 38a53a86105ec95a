"""Live sessions: `attune.v1` over the WebSocket /v1/stream. docs/streaming.md tells what is said."""

from service.api.stream.route import router

__all__ = ["router"]
