"""Where results go: whole files that appear at once or not at all, and lines that appear one by one."""

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.cli.sources import printable
from service.errors import AttuneError
from service.timeline.models import AnalysisResult

STDOUT = "-"


class OutputFailed(AttuneError):
    """A result could not be written."""

    code, status, title = "output_failed", 500, "Output cannot be written"


@contextmanager
def whole_file(name: str) -> Iterator[BinaryIO]:
    """A file that takes its name only when the block ends without an exception; `-` is standard output.

    It is written under a temporary name beside its own, so that nobody ever reads half of it. What is no regular
    file (a device, a pipe) is written directly. Raises OSError where the file cannot be made.
    """
    if name == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name).resolve()
    if path.is_dir():
        raise IsADirectoryError(21, "Is a directory", name)
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
    part = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def line_file(name: str, *, append: bool = False) -> Iterator[BinaryIO]:
    """A file for `write_line`; `-` is standard output."""
    if name == STDOUT:
        yield sys.stdout.buffer
        return
    with Path(name).open("ab" if append else "wb") as stream:
        yield stream


def write_line(stream: BinaryIO, line: bytes) -> None:
    """Write one line and hand it on at once, so that who reads along sees every finished input."""
    stream.write(line + b"\n")
    stream.flush()


def line_head(source: str) -> bytes:
    """How the line of an input begins, whatever becomes of it."""
    return b'{"source":' + json.dumps(printable(source)).encode() + b","


def result_line(source: str, result: AnalysisResult) -> bytes:
    """The result's fields and `source`, as one line of JSON."""
    # Joined as text: turning a long timeline into dictionaries first would take several times its memory.
    return line_head(source) + result.model_dump_json().encode()[1:]


def error_line(source: str, error: AttuneError) -> bytes:
    """`source` and `error`, as one line of JSON."""
    problem = {"code": error.code, "title": error.title, "detail": error.detail}
    return line_head(source) + b'"error":' + json.dumps(problem).encode() + b"}"
