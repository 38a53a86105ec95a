"""What callers write in the head of a request stays there: it names no file, adds no header, leads nobody anywhere."""

import re

import pytest
from api.harness import PATIENCE, Running, read_all
from hypothesis import given, settings
from hypothesis import strategies as st

PATHS = (
    *("/../settings.py", "/%2e%2e/settings.py", "/..%2fsettings.py", "/%2e%2e%2fsettings.py", "/..%5csettings.py"),
    *("/js/../../settings.py", "/js/%2e%2e/%2e%2e/settings.py", "/....//settings.py", "/%252e%252e/settings.py"),
    *(
        "//etc/passwd",
        "/%2fetc/passwd",
        "/%2f%2fetc/passwd",
        "/\\etc\\passwd",
        "/C:/Windows/win.ini",
        "/file:///etc/passwd",
    ),
    *("/docs/assets/../__init__.py", "/docs/assets/%2e%2e/__init__.py", "/docs/assets/..%2f__init__.py"),
    *("/docs/assets//etc/passwd", "/docs/assets/%2fetc/passwd", "/docs/assets/../../../../../../../../etc/passwd"),
    *("/js%00.js", "/%00", "/index.html%00.png", "/%ff%fe", "/%c0%ae%c0%ae/settings.py", "/%u002e%u002e/settings.py"),
    *("/.git/config", "/.env", "/js", "/js/", "/" + "a" * 5000, "/" + "a/" * 3000),
    *("/;/settings.py", "/proc/self/environ", "/%2e%2e/" * 30 + "etc/passwd", "/page/index.html", "/docs/assets/"),
)
"""Paths at which there is nothing."""

ELSEWHERE = (
    "//evil.example",
    "//evil.example/..",
    "/.",
    "/js/..",
    "/v1/model/",
    "/docs/",
    "/docs/assets",
    "/health/live/",
)
"""Paths at which servers like to redirect to where they are told that they are."""

KNOWN = {
    *("content-type", "content-length", "transfer-encoding", "connection", "date", "allow", "vary", "retry-after"),
    *("cache-control", "etag", "last-modified", "accept-ranges", "x-request-id", "www-authenticate"),
    *("content-security-policy", "x-content-type-options", "referrer-policy", "permissions-policy"),
}
"""Every header that an answer may have, but for those of CORS."""

ON_EVERY_ANSWER = {"content-security-policy", "x-content-type-options", "referrer-policy", "permissions-policy"}


def ask(running: Running, head: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send a head as it is; status, headers and body of the answer, whatever comes after which is cut off."""
    with running.connect() as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(head)
        answer = read_all(connection)
    start, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    match = re.fullmatch(r"HTTP/1\.1 (\d{3}) [A-Za-z -]*", first)
    assert match, answer[:200]
    pairs = [line.partition(": ") for line in lines]
    return int(match[1]), [(name.lower(), value) for name, _, value in pairs], body


def get(path: str, *headers: bytes) -> bytes:
    """The head of a request by a client that leaves after it."""
    lines = [f"GET {path} HTTP/1.1".encode("latin-1"), b"Host: 127.0.0.1", b"Connection: close", *headers]
    return b"\r\n".join((*lines, b"", b""))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_path_leads_to_no_file_but_those_of_the_page(keyed: Running, path: str) -> None:
    status, headers, body = ask(keyed, get(path))
    assert status == 404
    assert ("content-type", "application/problem+json") in headers
    assert body.startswith(b'{"type":"urn:attune:problem:not_found"')


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("header", ["Host: evil.example", "X-Forwarded-Host: evil.example"])
def test_nobody_is_sent_elsewhere_whatever_host_is_named(keyed: Running, path: str, header: str) -> None:
    head = get(path, header.encode()).replace(b"Host: 127.0.0.1\r\n" if header.startswith("Host") else b"\0", b"", 1)
    status, headers, body = ask(keyed, head)
    assert status in (401, 404)
    assert "location" not in dict(headers)
    assert b"evil" not in body


@pytest.mark.parametrize(
    "header",
    [
        "X-Original-URL: /metrics",
        "X-Rewrite-URL: /metrics",
        "X-HTTP-Method-Override: DELETE",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Prefix: /evil",
        "Forwarded: for=127.0.0.1;host=evil.example;proto=https",
        "X-Real-IP: 127.0.0.1",
        "True-Client-IP: 127.0.0.1",
        "X-Forwarded-User: web",
        "X-Remote-User: web",
        "Cookie: session=web; token=web",
        "Accept: text/html, ../../etc/passwd",
        "Accept-Language: ../../../etc/passwd",
        "If-None-Match: *\t",
        "Range: bytes=0-0",
        "TE: trailers",
    ],
)
def test_headers_that_gateways_use_give_no_leave_and_change_no_answer(keyed: Running, header: str) -> None:
    for path in ("/v1/model", "/health/live"):
        plain, told = ask(keyed, get(path)), ask(keyed, get(path, header.encode()))
        assert told[0] == plain[0]
        assert told[2] == plain[2]
        assert [name for name, _ in told[1]] == [name for name, _ in plain[1]]


BREAKS = ("\r\nInjected: yes", "\nInjected: yes", "\rInjected: yes", "\r\n Injected: yes", "\x00Injected: yes")
ENCODED = ("%0d%0aInjected:%20yes", "%0aInjected:%20yes", "%E5%98%8D%E5%98%8AInjected:yes", "\\r\\nInjected: yes")


@pytest.mark.parametrize("text", [*BREAKS, *ENCODED], ids=repr)
@pytest.mark.parametrize(
    "header", ["X-Request-ID", "Origin", "Authorization", "Accept", "traceparent", "Content-Type", "If-None-Match"]
)
def test_a_line_break_in_a_header_makes_none_in_an_answer(keyed: Running, header: str, text: str) -> None:
    status, headers, body = ask(keyed, get("/v1/model", f"{header}: a{text}".encode("latin-1")))
    assert status in (400, 401, 403)
    assert "injected" not in repr(headers).lower()
    assert b"injected" not in body.lower()


@pytest.mark.parametrize("text", ENCODED)
@pytest.mark.parametrize("path", ["/v1/model?a={}", "/{}", "/docs/assets/{}", "/v1/{}", "/?{}"])
def test_a_line_break_in_an_address_makes_none_in_an_answer(keyed: Running, text: str, path: str) -> None:
    _, headers, _ = ask(keyed, get(path.format(text.replace(" ", "%20"))))
    assert "injected" not in repr(headers).lower()


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(
        ["X-Request-ID", "Origin", "Host", "Accept", "Authorization", "Sec-WebSocket-Protocol", "Upgrade"]
    ),
    value=st.binary(max_size=60).filter(lambda value: b"\r\n\r\n" not in value),
    path=st.sampled_from(["/", "/v1/model", "/v1/analyses", "/v1/stream", "/docs", "/openapi.json", "/nothing"]),
)
def test_whatever_a_header_holds_the_answer_has_the_headers_that_it_always_has(
    keyed: Running, name: str, value: bytes, path: str
) -> None:
    status, headers, _ = ask(keyed, get(path, name.encode() + b": marked-" + value + b"-marked"))
    names = [header for header, _ in headers]
    assert set(names) <= KNOWN
    assert len(set(names)) == len(names)
    assert "marked" not in repr([pair for pair in headers if pair[0] != "x-request-id"])
    assert status != 500


SOME_OF_ALL = (
    *("/", "/js/main.js", "/docs", "/docs/assets/swagger-ui.css", "/openapi.json", "/health/live", "/metrics"),
    *("/v1/model", "/v1/nothing", "/nothing"),
)


@pytest.mark.parametrize("path", SOME_OF_ALL)
def test_every_answer_tells_browsers_to_be_careful_and_names_no_software(keyed: Running, path: str) -> None:
    status, headers, _ = ask(keyed, get(path))
    told = dict(headers)
    assert told.keys() >= ON_EVERY_ANSWER
    assert told["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in told["content-security-policy"]
    assert "default-src 'self'" in told["content-security-policy"]
    assert not {"server", "x-powered-by", "set-cookie", "access-control-allow-origin"} & told.keys()
    if status >= 400 or path.startswith("/v1/"):
        assert told["cache-control"] == "no-store"
