"""An item on every way into a running service, and what the service said."""

import json
from contextlib import suppress
from uuid import uuid4

import httpx
from api.harness import Running
from api.talking import Talk, talk
from hostile.items import OK, Item
from websockets.exceptions import ConnectionClosed

from service.errors import AttuneError
from service.protocol.messages import ErrorMessage

_STATUS = {error.code: error.status for error in AttuneError.__subclasses__()}
_CLOSED = {
    **dict.fromkeys(("body_too_large", "media_too_long", "picture_too_large", "message_too_large"), 1009),
    **dict.fromkeys(("invalid_message",), 1008),
    **dict.fromkeys(("worker_failed", "internal_error"), 1011),
    **dict.fromkeys(("busy", "unavailable"), 1013),
}
"""What a session is closed with, by code; 1003 for everything else about media."""


def upload(running: Running, item: Item, *, form: bool) -> str:
    """POST it, as a `form` or as it is; the outcome. Fails for an answer that is none of those documented."""
    headers, content = {"Content-Type": item.content_type}, item.media
    if form:
        boundary = uuid4().hex
        named = f'Content-Disposition: form-data; name="file"; filename="{item.filename}"'
        head = f"--{boundary}\r\n{named}\r\nContent-Type: {item.content_type}\r\n\r\n"
        content = head.encode() + item.media + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = running.client.post("/v1/analyses", content=content, headers={**headers, **dict(item.headers)})
    return outcome_of(answer, item.title)


def outcome_of(answer: httpx.Response, about: str) -> str:
    """What an answer of `POST /v1/analyses` comes to. Fails for one that is none of those documented."""
    if answer.status_code == 200:
        assert set(answer.json()) >= {"media", "people"}, about
        return OK
    assert answer.headers["content-type"] == "application/problem+json", f"{about}: {answer.text}"
    problem = answer.json()
    assert answer.status_code == _STATUS[problem["code"]], f"{about}: {problem}"
    return str(problem["code"])


def live(running: Running, item: Item) -> str:
    """Send it in a session, its messages as `frames` input where it has such; the outcome, as above."""
    with talk(running) as session:
        with suppress(ConnectionClosed):  # refused before the end of it
            if item.messages:
                session.say("session.update", input="frames")
                session.send(item.messages)
            elif item.media:
                session.media(item.media)
            session.say("session.close")
        return ending_of(session, item.title)


def ending_of(session: Talk, about: str) -> str:
    """Listen to the end of a session; what it came to. Fails where the way it ended is not as documented."""
    closed = session.hear_out()
    if closed == 1000:
        return OK
    last = session.heard[-1]
    assert isinstance(last, ErrorMessage), f"{about}: closed with {closed} after {last}"
    assert last.fatal, about
    assert closed == _CLOSED.get(last.code, 1003), f"{about}: {closed} {json.dumps(last.model_dump())}"
    return last.code
