"""Running the application under uvicorn."""

import asyncio
import math
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn
from fastapi import FastAPI
from uvicorn.server import HANDLED_SIGNALS

from service.api import unread
from service.api.admin import create_admin
from service.api.app import create_app
from service.api.concurrency import guarded
from service.api.drain import FIRST_REQUEST_SECONDS, Drain
from service.api.http import HttpProtocol
from service.api.listening import stop_listening
from service.api.origins import is_local
from service.api.state import Service
from service.api.websocket import WebSocketProtocol
from service.errors import Draining
from service.logs import configure, hush
from service.settings import Settings

LAST_WORDS: Final = 4
"""Seconds in which what was ended can still be said to clients: more than `LingeringClose` reads on."""


class AdminServer(uvicorn.Server):
    """Serves the admin port in the loop of another server, which starts and stops it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await super().startup(sockets)


class Server(uvicorn.Server):
    """A server that drains before it stops, at the first signal; a second one ends what still runs.

    uvicorn's own closes live sessions at once, and raises the signal again when all is done, so that the process seems
    to have failed.
    """

    def __init__(
        self, app: FastAPI, config: uvicorn.Config, admin: AdminServer | None = None, *, unread_seconds: float
    ) -> None:
        """`unread_seconds`: how long a connection may hold what its client takes nothing of."""
        super().__init__(config)
        self.admin = admin
        self._unread_seconds = unread_seconds
        self._app = app
        self._drain: Drain = app.state.drain
        self._was_signalled = False

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():  # where there are none
            yield
            return
        loop = asyncio.get_running_loop()
        for number in HANDLED_SIGNALS:
            loop.add_signal_handler(number, self._hear_signal)
        try:
            yield
        finally:
            for number in HANDLED_SIGNALS:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.admin is not None:
            await self.admin.startup()
        await super().startup(sockets)
        if self.started:
            unread.bound([one for server in self.servers for one in server.sockets], self._unread_seconds)

    async def on_tick(self, counter: int) -> bool:
        if await super().on_tick(counter):
            self._drain.begin()
        return self._drain.may_close

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Listening ends first: a session that moves at once must not come back.
        await stop_listening(self.servers, self._protocol)
        self._drain.close()
        with suppress(TimeoutError, Draining):
            async with asyncio.timeout(FIRST_REQUEST_SECONDS if self.server_state.connections else 0):
                await self._drain.until_over()
        self._close_idle_connections()
        with suppress(TimeoutError, Draining):
            async with asyncio.timeout(self._drain.grace_left):
                await guarded(self._idle(), self._drain.until_over())
        left = math.ceil(self._drain.grace_left)
        self._drain.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._idle()
        self.config.timeout_graceful_shutdown = left + LAST_WORDS  # answers may still be on their way
        await super().shutdown(sockets)
        if self.force_exit:  # then uvicorn leaves the application as it is
            for task in self.server_state.tasks:
                task.cancel()
            await self.lifespan.shutdown()
        if self.admin is not None:
            await self.admin.shutdown()

    def _protocol(self) -> asyncio.Protocol:
        """What `startup` makes for each connection."""
        kind: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def _hear_signal(self) -> None:
        if not self._was_signalled:
            self._was_signalled = True
            self._drain.begin()
        else:
            self._drain.end()
            asyncio.get_running_loop().call_later(LAST_WORDS, self._force)

    def _force(self) -> None:
        self.force_exit = True

    def _close_idle_connections(self) -> None:
        """Close connections that wait for a request; others end with their answer. Live sessions stay."""
        for connection in list(self.server_state.connections):
            if not isinstance(connection, WebSocketProtocol):
                connection.shutdown()

    async def _idle(self) -> None:
        service: Service | None = getattr(self._app.state, "service", None)
        if service is not None:
            await service.idle()


class OpenToAll(ValueError):
    """The service would be open to everybody who reaches it, and nobody said that this is meant so."""


def server(settings: Settings) -> Server:
    """A server for `settings` that has not started yet. Raises `OpenToAll`."""
    if settings.for_this_machine and not is_local(settings.host):
        raise OpenToAll(
            f"without API keys `host` (--host, ATTUNE_HOST) must be a loopback address, not {settings.host!r}; give "
            "keys (ATTUNE_API_KEYS; `attune key NAME` makes one), or --allow-anonymous true (ATTUNE_ALLOW_ANONYMOUS) "
            "where anybody who reaches the service may use it"
        )
    hush()
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        log_level=settings.log_level,
        access_log=False,  # one line for each analysis says what matters, without addresses or queries
        server_header=False,
        proxy_headers=False,  # nothing asks for a caller's address or scheme
        http=HttpProtocol,
        ws=WebSocketProtocol,
        # A little above the limit, so that a session can say what is wrong with a message slightly too large.
        ws_max_size=settings.max_message_bytes + 64 * 1024,
        # Pings keep the way open. Their answers have no deadline: they wait in line behind media not yet read.
        ws_ping_timeout=None,
        ws_per_message_deflate=False,  # media is compressed already
        lifespan="on",
        timeout_keep_alive=15,
    )
    return Server(
        app,
        config,
        _admin(app, settings) if settings.admin_port is not None else None,
        unread_seconds=settings.send_timeout + unread.UNREAD_SECONDS,
    )


def _admin(app: FastAPI, settings: Settings) -> AdminServer:
    return AdminServer(
        uvicorn.Config(
            create_admin(app, settings),
            host=settings.admin_host,
            port=settings.admin_port or 0,
            log_config=None,
            log_level=settings.log_level,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            date_header=False,  # nobody would keep it right
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )


def serve(settings: Settings) -> None:
    """Serve until told to stop by SIGINT, SIGTERM or POST /internal/drain, and drain then.

    Raises `OpenToAll`, and SystemExit(3) when the service cannot start; the log says why.
    """
    configure(settings.log_level, settings.log_format)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold media and the checkpoint key
    server(settings).run()
