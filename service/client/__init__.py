"""Live sessions from Python.

    async with connect("http://127.0.0.1:8000") as session:
        ...
        await session.send(chunk)
        async for message in session: ...
        summary = await session.close()

docs/client.md tells more.
"""

from service.client.connecting import connect
from service.client.errors import ConnectionFailed, SessionFailed
from service.client.inbox import Event
from service.client.session import Session
from service.protocol.messages import SessionUpdate

__all__ = ["ConnectionFailed", "Event", "Session", "SessionFailed", "SessionUpdate", "connect"]
