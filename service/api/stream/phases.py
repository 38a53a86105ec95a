"""What a client may say when."""

from enum import Enum

from service.errors import InvalidMessage
from service.protocol.messages import ClientMessage, KeepAlive, SessionClose


class Phase(Enum):
    """How far a client has got with its session."""

    OPEN = "open"
    """It may set the session up, or begin."""
    SET_UP = "set up"
    """It has sent `session.update` or `session.resume`."""
    STREAMING = "streaming"
    """It has sent media."""
    CLOSING = "closing"
    """It has sent `session.close`."""


def advance(phase: Phase, message: ClientMessage | bytes) -> Phase:
    """The phase after `message`, bytes being media. Raises `InvalidMessage` for one that may not come in `phase`."""
    if isinstance(message, KeepAlive):
        return phase
    if phase is Phase.CLOSING:
        raise InvalidMessage("Nothing but `keepalive` may follow `session.close`.")
    if isinstance(message, bytes):
        return Phase.STREAMING
    if isinstance(message, SessionClose):
        return Phase.CLOSING
    if phase is not Phase.OPEN:
        raise InvalidMessage(f"`{message.type}` comes once, before any media.")
    return Phase.SET_UP
