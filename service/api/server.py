"""Running the application under uvicorn."""

import logging

import uvicorn

from service.api.app import create_app
from service.settings import Settings


def server(settings: Settings) -> uvicorn.Server:
    """A server for `settings` that has not started yet."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            log_config=None,
            log_level=settings.log_level,
            access_log=False,  # one line for each analysis says what matters, without addresses or queries
            server_header=False,
            ws="none",
            lifespan="on",
            timeout_keep_alive=15,
            timeout_graceful_shutdown=int(settings.shutdown_grace),
        )
    )


def serve(settings: Settings) -> None:
    """Serve until told to stop by SIGINT or SIGTERM; running analyses get `shutdown_grace` seconds to finish.

    Raises SystemExit(3) when the service cannot start; the log says why.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    running = server(settings)
    running.run()
    if not running.started:
        raise SystemExit(3)
