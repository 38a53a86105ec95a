"""The media in a request body, as it arrives: raw or multipart, bounded in size and in silence."""

import asyncio
from collections.abc import AsyncIterator

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from service.api.multipart import OVERHEAD, FilePart
from service.errors import BodyTimeout, BodyTooLarge, EmptyBody, InvalidRequest, UnsupportedMedia

_RAW = ("video/", "audio/", "application/octet-stream")
_MULTIPART = "multipart/form-data"


class Upload:
    """One request body. Iterate it once over chunks of media; then `closed` waits for the client to leave."""

    def __init__(self, headers: Headers, receive: Receive, *, max_bytes: int, timeout: float) -> None:
        """Raises `UnsupportedMedia`, `InvalidRequest` or `BodyTooLarge` for what the headers alone tell."""
        self._receive = receive
        self._max_bytes = max_bytes
        self._timeout = timeout
        self.received = 0
        """Bytes of the body so far."""
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMedia("Send the media without Content-Encoding.")
        content_type = headers.get("content-type", "application/octet-stream")
        kind = content_type.partition(";")[0].strip().lower()
        if kind != _MULTIPART and not kind.startswith(_RAW):
            raise UnsupportedMedia(
                f"Content-Type must be video/*, audio/*, application/octet-stream or {_MULTIPART} with a part `file`."
            )
        self._part = FilePart(content_type) if kind == _MULTIPART else None
        self._max_body = max_bytes + (OVERHEAD if self._part else 0)
        self.size = _content_length(headers)
        """Bytes that the media has at most; None where the headers do not tell."""
        if self.size is not None and self.size > self._max_body:
            raise self._too_large()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield media; raise an `AttuneError`, or `ClientDisconnect` when the client leaves."""
        media = 0
        async for data in self._body():
            chunk = self._part.feed(data) if self._part else data
            media += len(chunk)
            if media > self._max_bytes:
                raise self._too_large()
            if chunk:
                yield chunk
        if self._part:
            self._part.finish()
        if not media:
            raise EmptyBody("The request holds no byte of media.")

    async def closed(self) -> None:
        """Return when the client leaves. Call after the whole body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _body(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            try:
                async with asyncio.timeout(self._timeout):
                    message = await self._receive()
            except TimeoutError:
                raise BodyTimeout(f"No byte of the upload came for {self._timeout:g} seconds.") from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            data = message.get("body", b"")
            self.received += len(data)
            if self.received > self._max_body:
                raise self._too_large()
            yield data
            more = message.get("more_body", False)

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"An upload may hold {self._max_bytes} bytes of media.")


def _content_length(headers: Headers) -> int | None:
    if "content-length" not in headers or "transfer-encoding" in headers:  # which overrides it: RFC 9112, section 6.3
        return None
    try:
        return int(headers["content-length"])
    except ValueError:
        raise InvalidRequest("Content-Length is not a number.") from None
