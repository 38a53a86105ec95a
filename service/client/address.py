"""Addresses of servers."""

from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

PATH = "/v1/stream"

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def stream_urls(urls: str | Sequence[str]) -> tuple[str, ...]:
    """Each address as the WebSocket's: `http` stands for `ws`, and an address without a path for `/v1/stream`.

    Raises ValueError for none at all and for what is no such address.
    """
    found = tuple(map(_stream_url, [urls] if isinstance(urls, str) else urls))
    if not found:
        raise ValueError("no server's address is given")
    return found


def _stream_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ValueError(f"{url} is no address such as https://host:port")
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, parts.path.rstrip("/") or PATH, parts.query, ""))
