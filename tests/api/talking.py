"""A client of live sessions as bare as can be: what it says is what the test says."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from api.harness import PATIENCE
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from service.protocol.messages import SERVER_MESSAGES, SUBPROTOCOL, ErrorMessage, ServerMessage

M = TypeVar("M")


@dataclass
class Talk:
    """One session; what the server said is kept in `heard`."""

    socket: ClientConnection
    heard: list[ServerMessage] = field(default_factory=list)

    def say(self, kind: str, **fields: Any) -> None:
        """Send a control message."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def media(self, data: bytes, cuts: Iterable[int] = range(16_384, 2**30, 16_384)) -> None:
        """Send bytes of a container, cut at the given places."""
        start = 0
        for cut in cuts:
            if start < len(data):
                self.socket.send(data[start:cut])
                start = cut
        if start < len(data):
            self.socket.send(data[start:])

    def send(self, messages: Iterable[str | bytes]) -> None:
        """Send messages as they are."""
        for message in messages:
            self.socket.send(message)

    def end(self) -> None:
        """Close the session and listen to its end, which has to be a good one."""
        self.say("session.close")
        assert self.hear_out() == 1000, self.heard[-1:]

    def hear(self) -> ServerMessage:
        """The next message; raises ConnectionClosed when there is none any more."""
        message = SERVER_MESSAGES.validate_json(self.socket.recv(PATIENCE))
        self.heard.append(message)
        return message

    def hear_until(self, kind: type[M]) -> M:
        """The next message of a kind."""
        while not isinstance(message := self.hear(), kind):
            pass
        return message

    def hear_out(self) -> int:
        """Listen until the connection is closed; the code it was closed with."""
        try:
            while True:
                self.hear()
        except ConnectionClosed:
            code = self.socket.close_code
            assert code is not None
            return code

    def all(self, kind: type[M]) -> list[M]:
        """What was heard of a kind."""
        return [message for message in self.heard if isinstance(message, kind)]

    def failure(self) -> ErrorMessage:
        """The fatal error that was the last thing heard."""
        last = self.heard[-1]
        assert isinstance(last, ErrorMessage)
        assert last.fatal
        return last


class Served(Protocol):
    """A service of this machine."""

    @property
    def port(self) -> int:
        """Where it listens."""


@contextmanager
def talk(
    running: Served,
    *,
    subprotocols: Sequence[str] = (SUBPROTOCOL,),
    headers: dict[str, str] | None = None,
    path: str = "/v1/stream",
    query: str = "",
    **options: Any,
) -> Iterator[Talk]:
    """Open a session. Raises websockets' InvalidStatus for a handshake that is refused."""
    with connect(
        f"ws://127.0.0.1:{running.port}{path}{query}",
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        additional_headers=headers,
        max_size=None,
        max_queue=options.pop("max_queue", None),  # with a bound, a client that has stopped reading cannot even close
        open_timeout=PATIENCE,
        ping_interval=None,
        close_timeout=PATIENCE,
        proxy=None,
        **options,
    ) as socket:
        yield Talk(socket)


def stream(running: Served, media: bytes, cuts: Iterable[int] | None = None, **config: Any) -> Talk:
    """A whole session: set up, media, end; listened to until it was closed with 1000."""
    with talk(running) as session:
        if config:
            session.say("session.update", **config)
        if cuts is None:
            session.media(media)
        else:
            session.media(media, cuts)
        session.end()
    return session


def stream_frames(running: Served, messages: Iterable[bytes], **config: Any) -> Talk:
    """The same of messages of `frames` input."""
    with talk(running) as session:
        session.say("session.update", input="frames", **config)
        session.send(messages)
        session.end()
    return session
