"""Log lines, for people or as JSON, each with what is known of the request that it belongs to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

from pythonjsonlogger.json import JsonFormatter

LogFormat = Literal["text", "json"]

_HUSHED: Final = {
    "python_multipart": logging.ERROR,  # warns of every malformed body, and names bytes of it
    "service.api.http": logging.ERROR,  # uvicorn's protocol warns of every request that is none
    "service.api.websocket": logging.WARNING,  # and names clients' addresses, in a line for each connection
}

# One dictionary is shared by all tasks of a request, so that what one of them notes is known to the others.
_FIELDS: Final[ContextVar[dict[str, str] | None]] = ContextVar("log_fields", default=None)


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Lines written inside, also by tasks that are started there, carry `fields`, and those that `note` adds."""
    token = _FIELDS.set(dict(fields))
    try:
        yield
    finally:
        _FIELDS.reset(token)


def note(**fields: str) -> None:
    """Add to what later lines carry; does nothing outside `about`."""
    if (current := _FIELDS.get()) is not None:
        current.update(fields)


def noted() -> dict[str, str]:
    """What lines written now carry."""
    return dict(_FIELDS.get() or {})


def configure(level: str, style: LogFormat) -> None:
    """Let this process log to stderr, from `level` on ("info" and the like). Does nothing if it does already."""
    handler = logging.StreamHandler()
    if style == "json":
        handler.addFilter(_add_attributes)
        handler.setFormatter(
            JsonFormatter(
                "{levelname}{name}{process}{message}",
                style="{",
                timestamp="time",
                rename_fields={"levelname": "level", "name": "logger"},
            )
        )
    else:
        handler.addFilter(_add_suffix)
        handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s: %(message)s%(suffix)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])


def hush() -> None:
    """Keep out of the log what callers could fill it with: each is told what is wrong with what they sent."""
    for name, level in _HUSHED.items():
        logging.getLogger(name).setLevel(level)


class _Lines(logging.Formatter):
    """One line for each record, and indented ones for its traceback, in printable characters alone: whatever text of a
    caller gets into a record, in the message of some library's exception say, looks like no other record and moves no
    cursor. JSON does the same by itself."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return _printable(super().formatMessage(record).rstrip("\n"))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return "\n".join(f"    {_printable(line)}" for line in super().formatException(ei).split("\n"))


def _printable(text: str) -> str:
    """`text` with Python's escapes for control characters, line separators and what changes the direction of text."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _add_attributes(record: logging.LogRecord) -> bool:
    """Every attribute of a record that is not logging's own becomes a field."""
    for name, value in noted().items():
        setattr(record, name, value)
    return True


def _add_suffix(record: logging.LogRecord) -> bool:
    fields = " ".join(f"{name}={value}" for name, value in noted().items())
    record.suffix = f" [{fields}]" if fields else ""
    return True
