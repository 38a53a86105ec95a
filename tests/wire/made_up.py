"""Nonsense made up at random: requests that are hardly HTTP/1.1, and frames that are hardly WebSocket's.

What is made depends on the generator of random numbers alone, so a seed says it all.
"""

from random import Random
from typing import Final

from wire.bad_http import HANDSHAKE, HOST, KEY, PROTOCOL, UPGRADE, VERSION, opening
from wire.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

_METHODS: Final = (b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"CONNECT", b"PRI", b"get", b"", b"G\x00T", b"M" * 300)
_TARGETS: Final = (
    b"/v1/model",
    b"/v1/analyses",
    b"/v1/analyses?timeline_fps=5&faces=largest",
    b"/v1/tokens",
    b"/v1/stream",
    b"/health/ready",
    b"/openapi.json",
    b"/",
    b"*",
    b"http://127.0.0.1/v1/model",
    b"http://[::1",
    b"//",
    b"/%",
    b"/%00%ff",
    b"/../..",
    b"/v1/analyses?horizon=nan",
    b"/\xff\xfe",
    b"/" + b"a" * 5000,
    b"",
)
_VERSIONS: Final = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.", b"http/1.1", b"ICE/1.0", b"")
_SPACES: Final = (b" ", b"  ", b"\t", b"", b"\r", b"\x0b")
_ENDS: Final = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"")
_HEADERS: Final = (
    HOST,
    UPGRADE,
    VERSION,
    KEY,
    PROTOCOL,
    HANDSHAKE,
    b"Content-Type: video/mp4\r\n",
    b"Content-Type: multipart/form-data; boundary=b\r\n",
    b"Content-Type: multipart/form-data\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Length: 10\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Expect: 200-ok\r\n",
    b"Connection: close\r\n",
    b"Connection: keep-alive, close, upgrade\r\n",
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    b"Authorization: Bearer \xff\r\n",
    b"Authorization: Basic OjpA\r\n",
    b"Origin: null\r\n",
    b"Origin: http://[\r\n",
    b"Accept: text/event-stream;q=nan, */*;q=\r\n",
    b"Accept: text/event-stream\r\n",
    b"Range: bytes=0-,-1\r\n",
    b'If-None-Match: W/"\r\n',
    b"If-Modified-Since: Mon, 99 Foo 0000\r\n",
    b"Trailer: Host\r\n",
    b"traceparent: 00-0-0-0\r\n",
    b"Cookie: " + b"a" * 9000 + b"\r\n",
)
_FOUL: Final = (
    b"Content-Type: \xff\xfe; charset=\x80\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 18446744073709551616\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"X-Request-ID: \x01\r\n",
    b" folded\r\n",
    b": no name\r\n",
    b"no colon\r\n",
    b"Space : before\r\n",
    b"Host: evil.example\r\n",
)
_BODIES: Final = (
    b"",
    b"0123456789",
    b"a\r\n0123456789\r\n0\r\n\r\n",
    b"a;x=y\r\n0123456789\r\n0\r\nHost: evil.example\r\n\r\n",
    b"-1\r\n\r\n",
    b"ffffffffffffffff\r\nabc",
    b"1\r\na\r\n" * 100,
    b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nabc\r\n--b--\r\n",
    b"--b\r\n" * 20,
    bytes(64),
    b"GET /v1/model HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
)
_SAID: Final = (
    (TEXT, b'{"type":"keepalive"}'),
    (TEXT, b'{"type":"session.update","input":"frames"}'),
    (TEXT, b'{"type":"session.resume","token":"x"}'),
    (TEXT, b'{"type":"session.close"}'),
    (TEXT, b"{"),
    (TEXT, b"\xff\xfe"),
    (TEXT, b"[" * 5000),
    (TEXT, b""),
    (BINARY, b""),
    (BINARY, bytes(15)),
    (BINARY, bytes(40)),
    (BINARY, b"\x1a\x45\xdf\xa3" + bytes(60)),
    (CONTINUATION, b"more"),
    (PING, b""),
    (PING, bytes(125)),
    (PING, bytes(126)),
    (PONG, b"unasked"),
    (CLOSE, b""),
    (CLOSE, b"\x03"),
    (CLOSE, b"\x03\xe8"),
    (CLOSE, b"\x03\xed"),
    (CLOSE, b"\x03\xe8\xff"),
    (CLOSE, b"\xff\xff" + b"x" * 123),
    (3, b"reserved"),
    (11, b"reserved"),
)
_LENGTHS: Final = (0, 1, 125, 126, 65_535, 65_536, 2**31, 2**63 - 1, 2**63, 2**64 - 1)


def request(random: Random) -> bytes:
    """One request, or two in line, wrong in some ways or in none."""
    data = _request(random)
    if random.random() < 0.1:
        data += _request(random)
    return _damaged(random, data) if random.random() < 0.15 else data


def conversation(random: Random) -> bytes:
    """What follows a good handshake: frames, wrong in some ways or in none."""
    data = b"".join(_frame(random) for _ in range(random.randint(1, 6)))
    return _damaged(random, data) if random.random() < 0.15 else data


def _request(random: Random) -> bytes:
    """Mostly right, so that what is wrong is seen by more than the first check."""
    rarely = 0.06
    if random.random() < 0.15:
        return opening(b"".join([HANDSHAKE, *random.choices(_HEADERS, k=random.randint(0, 2))]))
    spaces = [_mostly(random, b" ", _SPACES, rarely) for _ in range(2)]
    line = b"".join(
        (
            _mostly(random, random.choice(_METHODS[:4]), _METHODS, rarely),
            spaces[0],
            _mostly(random, random.choice(_TARGETS[:8]), _TARGETS, 3 * rarely),
            spaces[1],
            _mostly(random, b"HTTP/1.1", _VERSIONS, rarely),
        )
    )
    headers = [_mostly(random, HOST, _HEADERS, rarely)]
    headers += [_mostly(random, random.choice(_HEADERS), _FOUL, rarely) for _ in range(random.randint(0, 3))]
    body = random.choice(_BODIES)
    if body and random.random() < 0.8:
        headers.append(
            b"Transfer-Encoding: chunked\r\n" if b"\r\n" in body[:20] else b"Content-Length: %d\r\n" % len(body)
        )
    if random.random() < 0.3:
        random.shuffle(headers)
    head = line + _mostly(random, b"\r\n", _ENDS, rarely) + b"".join(headers) + b"\r\n"
    return head + body


def _frame(random: Random) -> bytes:
    opcode, payload = random.choice(_SAID)
    rarely = 0.06
    return frame(
        opcode,
        payload,
        final=random.random() > 3 * rarely,
        reserved=random.randint(1, 7) if random.random() < rarely else 0,
        masked=random.random() > rarely,
        length=random.choice(_LENGTHS) if random.random() < rarely else None,
        mask=random.randbytes(4),
    )


def _mostly(random: Random, good: bytes, others: tuple[bytes, ...], share: float) -> bytes:
    return random.choice(others) if random.random() < share else good


def _damaged(random: Random, data: bytes) -> bytes:
    """Some bytes changed, left out or doubled, or the end cut off."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 4)):
        if damaged:
            start, size = random.randrange(len(damaged)), random.randint(1, 8)
            end = random.choice((start, start + 1, start + size, start + size, len(damaged)))
            damaged[start:end] = random.choice((b"", random.randbytes(size), bytes(damaged[start : start + size])))
    return bytes(damaged)
