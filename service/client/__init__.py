"""Live sessions from Python; docs/client.md tells more.

async with connect("http://127.0.0.1:8000") as session:
    await session.send(chunk)  # in one task
    async for message in session: ...  # in another
    summary = await session.close()
"""

from service.client.connecting import connect
from service.client.errors import ConnectionFailed, SessionFailed
from service.client.inbox import Event
from service.client.session import Session
from service.protocol.messages import SessionUpdate

__all__ = ["ConnectionFailed", "Event", "Session", "SessionFailed", "SessionUpdate", "connect"]
