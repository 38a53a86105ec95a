"""The service behind a real nginx that passes bodies on as they arrive."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api.harness import PATIENCE, Running, chunk, read_all, read_until, wait_until

from service.timeline import AnalysisResult

pytestmark = pytest.mark.nginx

_CONFIG = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 0;
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            proxy_read_timeout 300s;
        }}
    }}
}}
"""


@pytest.fixture(scope="module")
def proxy(running: Running, tmp_path_factory: pytest.TempPathFactory, program: Callable[..., str]) -> Iterator[int]:
    """The port of an nginx before the service."""
    folder = tmp_path_factory.mktemp("nginx")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port, upstream=running.port))
    with subprocess.Popen(
        [program("nginx"), "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")]
    ) as process:
        try:
            wait_until(lambda: process.poll() is not None or _answers(port))
            assert process.poll() is None, Path(folder, "error.log").read_text()
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _answers(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def _head(port: int, accept: str) -> bytes:
    return (
        f"POST /v1/analyses HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: {accept}\r\nConnection: close\r\n"
        "Content-Type: video/x-matroska\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


def test_an_upload_through_nginx_gives_the_same_answer(running: Running, proxy: int, clip: bytes) -> None:
    direct = AnalysisResult.model_validate_json(running.analyse(clip).content)
    with socket.create_connection(("127.0.0.1", proxy), timeout=PATIENCE) as connection:
        connection.sendall(_head(proxy, "application/json") + chunk(clip) + chunk(b""))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    body = answer[answer.index(b"{") : answer.rindex(b"}") + 1]
    through = AnalysisResult.model_validate_json(body)
    assert through.media == direct.media
    for one, other in zip(through.people, direct.people, strict=True):
        assert one.summary.probabilities == pytest.approx(other.summary.probabilities, abs=1e-5)


def test_an_upload_is_analysed_through_nginx_before_its_last_byte_is_sent(
    running: Running, proxy: int, clip: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", proxy), timeout=PATIENCE) as connection:
        connection.sendall(_head(proxy, "text/event-stream") + chunk(clip[: len(clip) // 2]))
        wait_until(lambda: running.metric("attune_active_analyses") == 1)
        seen = read_until(connection, b"event: progress")
        connection.sendall(chunk(clip[len(clip) // 2 :]) + chunk(b""))
        assert b"event: result" in read_all(connection, seen)


def test_a_refusal_reaches_the_client_through_nginx(running: Running, proxy: int) -> None:
    with socket.create_connection(("127.0.0.1", proxy), timeout=PATIENCE) as connection:
        connection.sendall(_head(proxy, "application/json") + chunk(b"no media at all " * 4096) + chunk(b""))
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 415")
    assert b'"code":"unsupported_media"' in answer
    running.wait_for_idle()
