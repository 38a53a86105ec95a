"""The log of a real service at its most talkative: what callers send makes no line, colour or field of it."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from api.frames_input import picture, sound
from api.harness import PATIENCE, read_all, wait_until
from api.talking import Talk
from live.replicas import Replica, replicas
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from service.credentials import entry, new_key
from service.protocol.frames import FrameMessage, pack
from service.protocol.messages import SUBPROTOCOL

KEY = new_key()
MARK = "marked"
"""Part of all that is sent."""
FORGED = f"2026-01-01 00:00:00,000 INFO service.api.requests: {MARK}"
NO_MEDIA = b"This is no film.\n"
HOSTILE = (
    f"{MARK}\r\n{FORGED}",
    f"{MARK}\x1b[2J\x1b]0;{MARK}\x07",
    f"{MARK}\u2028{FORGED}\u2029\x85{FORGED}",
    f'{MARK}"}}\n{{"level": "INFO", "message": "{MARK}"}}',
    f"{MARK}\u202e{MARK}\x00\x9b31m",
    f"{MARK}%s%d%(message)s{{0}}${{jndi:ldap://127.0.0.1/{MARK}}}",
)
"""Text that some reader of a log takes for more than text."""


@pytest.fixture(scope="module", params=["text", "json"])
def replica(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Replica, Path]]:
    """A replica that logs all there is, and its log."""
    folder = tmp_path_factory.mktemp("log")
    with replicas(1, folder, log_format=request.param, log_level="debug", api_keys=entry("web", KEY)) as [one]:
        yield one, folder / "replica-1.log"


def send(replica: Replica, path: str, *headers: bytes, body: bytes = b"") -> None:
    """One request, its headers as they are, listened to until the server has closed."""
    length = b"Content-Length: %d" % len(body)
    lines = (f"POST {path} HTTP/1.1".encode(), b"Host: 127.0.0.1", b"Connection: close", length, *headers, b"", body)
    with socket.create_connection(("127.0.0.1", replica.port), timeout=PATIENCE) as connection:
        connection.sendall(b"\r\n".join(lines))
        with suppress(ConnectionResetError):  # it may close before it has read all
            assert read_all(connection)


def shout(replica: Replica, text: str, clip: bytes) -> None:
    """Send `text` at every place of HTTP where a caller may write something."""
    key = b"Authorization: Bearer " + KEY.encode()
    raw, line = text.encode(), text.encode().translate(None, b"\r\n\0\x1b\x07")
    query = f"{quote(text)}={quote(text)}"
    for path in (
        f"/{quote(text)}",
        f"/v1/{quote(text)}?{query}",
        f"/v1/analyses?{query}",
        f"/v1/analyses?faces={query}",
    ):
        send(replica, path, key, body=NO_MEDIA)
    for name in (
        b"X-Request-ID",
        b"User-Agent",
        b"Referer",
        b"Origin",
        b"traceparent",
        b"Host",
        b"Content-Type",
        b"TE",
    ):
        for value in (raw, line):
            send(replica, "/v1/analyses", key, name + b": " + value, body=NO_MEDIA)
    for name in (b"Authorization", b"Authorization: Bearer", b"Cookie", b"Content-Encoding", b"Expect", raw, line):
        send(replica, "/v1/analyses", name + b": " + line, body=NO_MEDIA)
    send(replica, "/v1/analyses", key, body=raw * 100)
    disposition = b'Content-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s'
    for boundary, head in (
        (b"b", disposition % (b"file", line, line)),
        (b"b", disposition % (line, raw, b"video/mp4")),
        (b"b", raw + b": " + raw),
        (line[:60], disposition % (b"file", raw, raw)),
    ):
        body = b"--%s\r\n%s\r\n\r\n%s\r\n--%s--\r\n" % (boundary, head, clip, boundary)
        send(replica, "/v1/analyses", key, b"Content-Type: multipart/form-data; boundary=" + boundary, body=body)
        send(replica, "/v1/analyses", key, b"Content-Type: multipart/form-data; boundary=b", body=body[:20] + raw)


def talk_nonsense(replica: Replica, text: str) -> None:
    """Say `text` wherever a session's client may say something."""
    for query, headers, offered in (
        (f"?token={quote(text)}", {}, [SUBPROTOCOL]),
        ("", {"Origin": re.sub(r"[^\x20-\x7e]", "?", text)}, [SUBPROTOCOL]),
        ("", {}, [SUBPROTOCOL, "attune.token.marked"]),
    ):
        with pytest.raises(InvalidHandshake):
            connect(
                replica.url + query,
                subprotocols=[Subprotocol(name) for name in offered],
                additional_headers=headers,
                proxy=None,
            )
    for said in (
        text,
        json.dumps({"type": text}),
        json.dumps({"type": "keepalive", text: text}),
        json.dumps({"type": "session.update", "faces": text, "baseline": text}),
        json.dumps({"type": "session.resume", "token": text}),
        text.encode() * 100,
    ):
        with session(replica) as one:
            one.socket.send(said)
            if isinstance(said, bytes):
                one.say("session.close")
            one.hear_out()
    with session(replica) as one:
        one.say("session.update", input="frames")
        one.socket.send(text.encode() * 10)
        one.socket.send(pack(FrameMessage("picture", 3, 0, 0, picture(0, 0)[16:200] + text.encode() * 50)))
        one.socket.send(pack(FrameMessage("picture", 4, 0, 0, picture(0, 0, "jpeg")[16:2000] + text.encode() * 50)))
        one.socket.send(sound(5, 1))
        one.say("session.close")
        one.hear_out()
    with session(replica) as one:
        one.hear()
        one.socket.close(4000, text[:30])
        with pytest.raises(ConnectionClosed):
            one.hear()


@contextmanager
def session(replica: Replica) -> Iterator[Talk]:
    """A session that was let in."""
    with connect(
        replica.url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        additional_headers={"Authorization": f"Bearer {KEY}"},
        proxy=None,
        max_size=None,
    ) as connection:
        yield Talk(connection)


def test_nothing_that_callers_send_gets_into_the_log_and_each_line_of_it_is_the_services_own(
    replica: tuple[Replica, Path], clip: bytes
) -> None:
    one, log = replica
    for text in HOSTILE:
        shout(one, text, clip)
        talk_nonsense(one, text)
    with httpx.Client(base_url=f"http://127.0.0.1:{one.port}", timeout=PATIENCE, trust_env=False) as client:
        client.get("/v1/model", headers={"X-Request-ID": "the-last"})
    wait_until(lambda: "the-last" in log.read_text())
    text = log.read_bytes().decode()
    assert MARK not in text
    assert "jndi" not in text
    assert KEY not in text
    assert "Traceback" not in text
    lines = text.split("\n")
    assert lines.pop() == ""
    assert len(lines) > 100
    for line in lines:
        assert line.isprintable()
        if line.startswith("{"):
            assert {"time", "level", "logger", "message"} <= json.loads(line).keys()
        else:
            assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+: ", line)
