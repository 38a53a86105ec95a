"""WS /v1/stream: who may open a live session, and how each ends."""

import asyncio
import logging
import secrets
import time
from contextlib import suppress
from typing import NoReturn

from fastapi import APIRouter, WebSocket

from service.api.concurrency import guarded
from service.api.drain import Drain
from service.api.keys import note_caller, shown_in_handshake
from service.api.problems import internal_error, problem_response
from service.api.state import Service, service_of
from service.api.stream.checkpoints import Checkpoints
from service.api.stream.closing import DONE, close_code, error_message, leaving
from service.api.stream.connection import ClientLeft, Connection
from service.api.stream.session import Session
from service.api.tracing import mark
from service.errors import AttuneError, Busy, InvalidRequest, QuotaExceeded, SlowClient
from service.logs import note
from service.protocol.messages import SUBPROTOCOL

_LOG = logging.getLogger(__name__)

router = APIRouter()


@router.websocket("/v1/stream")
async def stream(websocket: WebSocket) -> None:
    """A live session. A handshake that is refused is answered with problem details."""
    try:
        service = service_of(websocket)
        caller = _admit(websocket, service)
    except AttuneError as error:
        await websocket.send_denial_response(problem_response(error))
        return
    await websocket.accept(SUBPROTOCOL)
    await _serve(service, Connection(websocket, service.settings), caller)


def _admit(websocket: WebSocket, service: Service) -> str:
    """The name of the caller's key. Raises the `AttuneError` for which the handshake is refused."""
    if SUBPROTOCOL not in websocket.scope["subprotocols"]:
        raise InvalidRequest(f"Offer the WebSocket subprotocol {SUBPROTOCOL}.")
    return service.gate.admit(shown_in_handshake(websocket))


async def _serve(service: Service, connection: Connection, caller: str) -> None:
    """Run a session to its end, tell its client how it ended, count it and log it."""
    name, outcome, started = secrets.token_hex(8), "cancelled", time.monotonic()
    note(session=name)
    note_caller(caller)
    try:
        with service.quotas.session(caller), service.sessions.slot():
            outcome = await _run(service, connection, caller, name)
    except (Busy, QuotaExceeded) as error:
        outcome = await _refuse(connection, error)
    except Exception as error:
        outcome = await _refuse(connection, internal_error(error))
    finally:
        seconds = time.monotonic() - started
        service.metrics.sessions.labels(outcome).inc()
        service.metrics.received.inc(connection.received)
        mark(session=name, outcome=outcome)
        fields = {"outcome": outcome, "bytes": connection.received, "seconds": round(seconds, 6)}
        _LOG.info("session %s: %d bytes in %.2f s", outcome, connection.received, seconds, extra=fields)


async def _run(service: Service, connection: Connection, caller: str, name: str) -> str:
    """A session that has its place; its outcome."""
    settings = service.settings
    try:
        if service.drain.closed.is_set():
            raise leaving()
        service.check()
        checkpoints = Checkpoints(service.signer, caller, settings.checkpoint_lifetime, settings.baseline_lifetime)
        session = Session(service, connection, checkpoints, name)
        await guarded(session.run(), _until_drained(service.drain, session))
    except ClientLeft:
        return "cancelled"
    except AttuneError as error:
        return await _refuse(connection, error)
    except Exception as error:
        return await _refuse(connection, internal_error(error))
    await connection.close(DONE)
    return "ok"


async def _refuse(connection: Connection, error: AttuneError) -> str:
    """Say why, and close; the outcome."""
    with suppress(ClientLeft, SlowClient):
        await connection.send(error_message(error, fatal=True))
    await connection.close(close_code(error))
    return error.code


async def _until_drained(drain: Drain, session: Session) -> NoReturn:
    """Say when the service drains, and let the session go on for as long as it may. Raises `Draining` then."""
    await drain.closed.wait()
    with suppress(TimeoutError):
        async with asyncio.timeout(drain.session_grace_left):
            await session.announce_end(drain.session_grace_left)
            await drain.over.wait()
    raise leaving()
