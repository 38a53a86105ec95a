"""Going on with a file of results that an earlier run of the same batch left, however that run ended."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from service.cli.outputs import OutputFailed, error_line, line_head, whole_file, write_line
from service.cli.sources import printable
from service.errors import AttuneError

_LINE = re.compile(rb'\{"source":("(?:[^"\\]|\\.)*"),(?P<error>"error":)?')
"""How every line begins; what follows, which may be long, need not be read."""


class Interrupted(AttuneError):
    """The process was killed, or crashed, in the middle of this input."""

    code, status, title = "interrupted", 500, "Interrupted"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a file of results says of the inputs that it names."""

    done: frozenset[str]
    """Sources with a result."""
    failed: tuple[str, ...]
    """Sources with an error, those that failed longest ago first."""


def announce(stream: BinaryIO, source: str) -> bytes:
    """Begin the line of an input, so that whatever becomes of the process, the file says what it was about."""
    head = line_head(source)
    stream.write(head)
    stream.flush()
    return head


def settle(name: str) -> Standing:
    """Put a file of results in order: one whole line for each input, its latest.

    A last line that was begun and not ended becomes the error `interrupted`. A file that has to change is replaced, not
    written into, so that a process that still writes to it (on a node that was lost, say) spoils nothing. Raises
    `OutputFailed` where the file holds something else, and OSError.
    """
    latest: dict[bytes, tuple[int, bool]] = {}
    torn: bytes | None = None
    count = 0
    with Path(name).open("rb") as lines:
        for count, line in enumerate(lines, start=1):
            begun = _LINE.match(line)
            if not line.endswith(b"\n"):
                torn = begun[1] if begun else b""
            elif not begun:
                raise OutputFailed(f"Line {count} of {name} is no result; to begin anew, remove the file.")
            else:
                latest.pop(begun[1], None)
                latest[begun[1]] = count, begun["error"] is not None
    if torn:
        latest.pop(torn, None)
        latest[torn] = count, True
    if torn is not None or len(latest) < count:
        _rewrite(name, {number for number, _ in latest.values()}, torn)
    sources = {json.loads(source): failed for source, (_, failed) in latest.items()}
    return Standing(
        done=frozenset(source for source, failed in sources.items() if not failed),
        failed=tuple(source for source, failed in sources.items() if failed),
    )


def remaining(files: Sequence[str], name: str) -> list[str]:
    """The inputs that the file of results still lacks; those that failed, which may have killed the process, come last.

    Raises `OutputFailed` where the file is of another batch, and OSError.
    """
    standing = settle(name) if Path(name).exists() else Standing(frozenset(), ())
    named = {printable(file): file for file in files}
    for source in (*standing.done, *standing.failed):
        if source not in named:
            raise OutputFailed(
                f"{name} holds {source}, which is not among the inputs; other inputs, another manifest or another "
                "number of shards need a file of their own."
            )
    met = standing.done.union(standing.failed)
    return [file for source, file in named.items() if source not in met] + [named[source] for source in standing.failed]


def _rewrite(name: str, kept: set[int], torn: bytes | None) -> None:
    with Path(name).open("rb") as lines, whole_file(name) as file:
        for number, line in enumerate(lines, start=1):
            if number in kept and line.endswith(b"\n"):
                file.write(line)
        if torn:
            error = Interrupted("The process ended while this input was under way.")
            write_line(file, error_line(json.loads(torn), error))
