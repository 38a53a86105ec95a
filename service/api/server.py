"""Running the application under uvicorn."""

import logging
import socket

import uvicorn
from fastapi import FastAPI

from service.api.app import create_app
from service.api.origins import is_local
from service.api.state import Service
from service.api.websocket import WebSocketProtocol
from service.settings import Settings


class Server(uvicorn.Server):
    """A server that, when it is told to stop, lets live sessions say so before their connections are closed."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        service: Service | None = getattr(self._app.state, "service", None)
        if service is not None:
            await service.end_sessions()
        await super().shutdown(sockets)


class OpenToAll(ValueError):
    """The service would be open to everybody who reaches it, and nobody said that this is meant so."""


def server(settings: Settings) -> uvicorn.Server:
    """A server for `settings` that has not started yet. Raises `OpenToAll`."""
    if settings.for_this_machine and not is_local(settings.host):
        raise OpenToAll(
            f"without API keys `host` (--host, ATTUNE_HOST) must be a loopback address, not {settings.host!r}; give "
            "keys (ATTUNE_API_KEYS; `attune key NAME` makes one), or --allow-anonymous true (ATTUNE_ALLOW_ANONYMOUS) "
            "where anybody who reaches the service may use it"
        )
    app = create_app(settings)
    return Server(
        app,
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            log_level=settings.log_level,
            access_log=False,  # one line for each analysis says what matters, without addresses or queries
            server_header=False,
            ws=WebSocketProtocol,
            # A little above the limit, so that a session can say what is wrong with a message slightly too large.
            ws_max_size=settings.max_message_bytes + 64 * 1024,
            # Pings keep the way open. Their answers have no deadline: they wait in line behind media not yet read.
            ws_ping_timeout=None,
            ws_per_message_deflate=False,  # media is compressed already
            lifespan="on",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=int(settings.shutdown_grace),
        ),
    )


def serve(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM; running analyses get `shutdown_grace` seconds to finish.

    Raises `OpenToAll`, and SystemExit(3) when the service cannot start; the log says why.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    running = server(settings)
    running.run()
    if not running.started:
        raise SystemExit(3)
