"""Nothing that a caller sends makes the service fetch an address or open a file: canaries listen and lie there."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from api.harness import KEYS, Running, wait_until
from api.talking import talk
from hostile.bodies import references
from security.watching import OPENED, watching

BEARER = {"Authorization": f"Bearer {KEYS['web']}"}


@dataclass
class Canary:
    """Listens on loopback, by TCP and UDP at the same port, and counts whoever comes."""

    port: int
    callers: list[object] = field(default_factory=list)


@pytest.fixture
def canary() -> Iterator[Canary]:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        one, over = Canary(tcp.getsockname()[1]), threading.Event()
        udp.bind(("127.0.0.1", one.port))

        def accept() -> None:
            while not over.is_set():
                connection, caller = tcp.accept()
                connection.close()
                one.callers.append(caller)

        def receive() -> None:
            while not over.is_set():
                one.callers.append(udp.recv(65_536))

        threads = [threading.Thread(target=target) for target in (accept, receive)]
        for thread in threads:
            thread.start()
        try:
            yield one
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", one.port)).close()
            udp.sendto(b"", ("127.0.0.1", one.port))
            for thread in threads:
                thread.join()


def test_the_canaries_notice_whoever_comes(canary: Canary, tmp_path: Path) -> None:
    socket.create_connection(("127.0.0.1", canary.port)).close()
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.sendto(b"hello", ("127.0.0.1", canary.port))
    wait_until(lambda: len(canary.callers) == 2)
    canary.callers.clear()
    file = tmp_path / "canary"
    file.write_text("sing")
    with watching([file], OPENED) as watch:
        file.read_text()
        assert watch.seen() == [file]


@pytest.mark.parametrize("scheme", ["http", "tcp", "udp", "rtmp", "file"])
def test_media_that_refers_to_something_fetches_nothing(
    keyed: Running, canary: Canary, tmp_path: Path, scheme: str
) -> None:
    file = tmp_path / "canary.mp4"
    file.write_bytes(b"sing")
    address = f"file://{file}" if scheme == "file" else f"{scheme}://127.0.0.1:{canary.port}/canary"
    with watching([file], OPENED) as watch:
        for number, item in enumerate(references(address)):
            if number % 2:
                files = {"file": (address, item.media, "application/vnd.apple.mpegurl")}
                answer = keyed.client.post("/v1/analyses", files=files, headers=BEARER)
            else:
                answer = keyed.client.post("/v1/analyses", content=item.media, headers=BEARER)
            code = "ok" if answer.status_code == 200 else answer.json()["code"]
            assert code in item.outcomes, item.title
        assert watch.seen() == []
    assert canary.callers == []
    assert keyed.metric("attune_worker_restarts_total") == 0


def test_a_session_whose_media_refer_to_something_fetches_nothing(keyed: Running, canary: Canary) -> None:
    for item in references(f"http://127.0.0.1:{canary.port}/canary"):
        wait_until(lambda: keyed.metric("attune_sessions_active") == 0)
        with talk(keyed, headers=BEARER) as session:
            session.media(item.media)
            session.say("session.close")
            session.hear_out()
    assert canary.callers == []


def test_no_option_header_or_field_makes_the_service_call_back(keyed: Running, canary: Canary, clip: bytes) -> None:
    address = f"http://127.0.0.1:{canary.port}/canary"
    names = ("url", "file", "callback", "webhook", "redirect", "src", "media_url")
    for name in names:
        assert keyed.client.post("/v1/analyses", params={name: address}, content=clip, headers=BEARER).is_client_error
    for content in (address.encode(), f'{{"url": "{address}"}}'.encode()):
        for kind in ("text/uri-list", "message/external-body", "application/json", "application/octet-stream"):
            headers = {**BEARER, "Content-Type": kind}
            assert keyed.client.post("/v1/analyses", content=content, headers=headers).is_client_error
    form = {name: address for name in names if name != "file"}
    answer = keyed.client.post("/v1/analyses", data=form, files={"file": (address, clip)}, headers=BEARER)
    assert answer.status_code == 200
    gateways = ("Referer", "Origin", "X-Forwarded-Host", "X-Callback", "Link", "Host", "Location", "traceparent", "Via")
    for name in gateways:
        keyed.client.get("/v1/model", headers={**BEARER, name: address})
    with pytest.raises(httpx.HTTPStatusError):
        keyed.client.get(f"/{address}").raise_for_status()
    assert canary.callers == []
