"""`connect`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from service.client.address import stream_urls
from service.client.session import Credential, Session
from service.protocol.messages import SessionUpdate

PATIENCE = 30.0
RING_BYTES = 64 << 20


@asynccontextmanager
async def connect(
    urls: str | Sequence[str],
    config: SessionUpdate | None = None,
    *,
    key: Credential | None = None,
    patience: float = PATIENCE,
    ring_bytes: int = RING_BYTES,
) -> AsyncIterator[Session]:
    """Open a session with the server at `urls`, or with any of several replicas; leave it at the end of the block.

    `config`: how the session works, by default as an upload. `key`: API key or access token, or, since a token expires,
    a coroutine function that gives one, called before each connection; what it raises ends the session. `patience`:
    seconds after which a lost connection that could not be replaced ends the session, 0 to replace none. `ring_bytes`:
    memory for media sent since the last checkpoint, which a replaced connection needs again; a session that outgrows it
    (a server that gives no checkpoints, a recording whose key frames lie far apart) can no longer go on after a loss.

    Raises ValueError for what is no address, `ConnectionFailed` where no server answers, `Unauthorized`, `Busy` and
    whatever else the server refuses with.
    """
    session = Session(stream_urls(urls), config or SessionUpdate(), key=key, patience=patience, ring_bytes=ring_bytes)
    try:
        await session.start()
        yield session
    finally:
        await session.stop()
