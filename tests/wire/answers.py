"""What a service says to nonsense, and whether it may."""

import json
import re
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final

from api.harness import PATIENCE
from wire.bad_http import opening
from wire.frames import CLOSE, TEXT

_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_ENOUGH: Final = 2**20
"""Bytes after which nobody listens any more."""


def say(port: int, data: bytes, patience: float) -> bytes:
    """All that the service at a port says to `data` before it closes, or is silent for `patience` seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        with suppress(ConnectionError, TimeoutError):  # closed before all was said: the answer may still be there
            connection.sendall(data)
        return hear(connection)


@contextmanager
def opened(port: int) -> Iterator[socket.socket]:
    """A connection after a good handshake, of which nothing was heard but the answer to that."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(opening())
        seen = b""
        while not seen.endswith(b"\r\n\r\n"):
            seen += connection.recv(1)
        yield connection


def converse(port: int, data: bytes, patience: float) -> bytes:
    """The same of what follows a good handshake, without the answer to that."""
    with opened(port) as connection:
        connection.settimeout(patience)
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(data)
        return hear(connection)


def hear(connection: socket.socket, seen: bytes = b"") -> bytes:
    """What comes until the connection ends, or is silent for as long as its timeout."""
    with suppress(ConnectionError, TimeoutError):
        while (data := connection.recv(65_536)) and len(seen) < _ENOUGH:
            seen += data
    return seen


def statuses(answer: bytes) -> list[int]:
    """The statuses of one or several HTTP answers in line."""
    return [int(status) for status in _STATUS.findall(answer)]


def http_fault(answer: bytes) -> str | None:
    """What is wrong with what the service said to any request; None where it may say so, or say nothing at all."""
    if answer and not _STATUS.match(answer):
        return f"no answer of HTTP/1.1: {answer[:60]!r}"
    for code in ("internal_error", "worker_failed"):
        if f'"code":"{code}"'.encode() in answer:
            return code
    if any(status >= 500 and status != 503 for status in statuses(answer)):
        return f"statuses {statuses(answer)}"
    return None


def faults(said: Sequence[bytes], fault: Callable[[bytes], str | None]) -> list[tuple[str, bytes]]:
    """What `fault` finds wrong where each is said by one of many clients at once, and what was said."""
    with ThreadPoolExecutor(32) as clients:
        found = list(clients.map(fault, said))
    return [(wrong, sent) for wrong, sent in zip(found, said, strict=True) if wrong]


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of the whole frames of a server, which are neither masked nor in pieces."""
    found = []
    while len(data) >= 2:
        opcode, size, start = data[0] & 15, data[1] & 127, 2
        if size == 126:
            size, start = struct.unpack_from("!H", data, 2)[0], 4
        elif size == 127:
            size, start = struct.unpack_from("!Q", data, 2)[0], 10
        if len(data) < start + size:
            break
        found.append((opcode, data[start : start + size]))
        data = data[start + size :]
    return found


def close_code(data: bytes) -> int | None:
    """The code of the frame that closes a conversation; None where there is none, or one without a code."""
    closings = [payload for opcode, payload in frames_of(data) if opcode == CLOSE]
    return int.from_bytes(closings[0][:2]) if closings and closings[0] else None


def conversation_fault(data: bytes) -> str | None:
    """What is wrong with what the service said in a session; None where it may say so."""
    told = [json.loads(payload) for opcode, payload in frames_of(data) if opcode == TEXT]
    codes = {message["code"] for message in told if message["type"] == "error"}
    if codes & {"internal_error", "worker_failed"}:
        return f"told of {codes}"
    if close_code(data) in (1006, 1011):
        return f"closed with {close_code(data)}"
    return None
