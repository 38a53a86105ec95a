"""The bytes of the part `file` out of a multipart/form-data body, while it arrives (RFC 7578). Nothing is stored."""

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import InvalidRequest

FIELD: Final = b"file"
MAX_OTHER_BYTES: Final = 64 * 1024
"""Bytes that all other parts may hold together; they are read over."""
MAX_PARTS: Final = 16
OVERHEAD: Final = MAX_OTHER_BYTES + MAX_PARTS * 16 * 1024
"""Bytes by which an acceptable body may exceed its media."""


class FilePart:
    """Push parser: `feed` the body as it arrives and get the media bytes in it; `finish` checks that it was whole."""

    def __init__(self, content_type: str) -> None:
        """`content_type` is the header of the request. Raises `InvalidRequest` without a usable boundary."""
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise InvalidRequest("The Content-Type of a multipart body must name its boundary.")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise InvalidRequest("The boundary of the multipart body is too long.") from error
        self._media: list[bytes] = []
        self._parts = 0
        self._other_bytes = 0
        self._in_file = False
        self._seen_file = False
        self._ended = False
        self._field = self._value = self._name = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body; return the bytes of the media among them, possibly none.

        Raises `InvalidRequest` for a malformed body, a second `file`, or other parts beyond the bounds.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidRequest("The multipart body is malformed.") from error
        media = b"".join(self._media)
        self._media.clear()
        return media

    def finish(self) -> None:
        """Raise `InvalidRequest` unless the body held a part `file` and ended with its closing boundary."""
        if not self._seen_file:
            raise InvalidRequest("The multipart body has no part named `file`.")
        if not self._ended:
            raise InvalidRequest("The multipart body ends before its closing boundary.")

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"The multipart body has more than {MAX_PARTS} parts.")
        self._in_file = False
        self._name = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._name = parse_options_header(self._value)[1].get(b"name", b"")
        self._field = self._value = b""

    def _on_headers_finished(self) -> None:
        self._in_file = self._name == FIELD
        if self._in_file:
            if self._seen_file:
                raise InvalidRequest("The multipart body has more than one part named `file`.")
            self._seen_file = True

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._media.append(data[start:end])
            return
        self._other_bytes += end - start
        if self._other_bytes > MAX_OTHER_BYTES:
            raise InvalidRequest("The multipart body holds too much beside the part `file`.")

    def _on_end(self) -> None:
        self._ended = True
