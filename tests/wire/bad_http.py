"""Requests that are hardly HTTP/1.1, or not at all: by name, with what may be answered, and made up at random."""

from dataclasses import dataclass
from typing import Final

HOST: Final = b"Host: 127.0.0.1\r\n"
UPGRADE: Final = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
VERSION: Final = b"Sec-WebSocket-Version: 13\r\n"
KEY: Final = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
PROTOCOL: Final = b"Sec-WebSocket-Protocol: attune.v1\r\n"
HANDSHAKE: Final = UPGRADE + VERSION + KEY + PROTOCOL
MANY: Final = 2**20
"""More than any part of a request may have bytes before its body."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sends, and the statuses with which the service may answer first."""

    data: bytes
    statuses: frozenset[int]


def request(
    line: bytes = b"GET /v1/model HTTP/1.1", headers: bytes = HOST, body: bytes = b"", end: bytes = b"\r\n"
) -> bytes:
    """One request; `headers` are whole lines."""
    return line + end + headers + end + body


def upload(headers: bytes, body: bytes = b"") -> bytes:
    """POST /v1/analyses."""
    return request(b"POST /v1/analyses HTTP/1.1", HOST + b"Content-Type: video/mp4\r\n" + headers, body)


def opening(headers: bytes = HANDSHAKE, line: bytes = b"GET /v1/stream HTTP/1.1", host: bytes = HOST) -> bytes:
    """The handshake of a live session."""
    return request(line, host + headers)


def _requests(statuses: int | set[int], **data: bytes) -> dict[str, Request]:
    expected = frozenset({statuses} if isinstance(statuses, int) else statuses)
    return {name.replace("_", " "): Request(sent, expected) for name, sent in data.items()}


NO_HTTP: Final = _requests(
    400,
    nothing_but_noise=bytes(range(256)) * 8,
    zeros=bytes(4096),
    a_handshake_of_TLS=bytes.fromhex("16030100750100007103034f") + bytes(256),
    the_preface_of_HTTP_2=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    an_answer=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    a_line_of_another_protocol=b"EHLO mail.example\r\n",
    an_unknown_method=request(b"BREW /v1/model HTTP/1.1"),
    a_method_in_small_letters=request(b"get /v1/model HTTP/1.1"),
    a_version_that_is_none=request(b"GET /v1/model HTTP/a.b"),
    a_version_of_two_digits=request(b"GET /v1/model HTTP/1.11"),
    HTTP_3=request(b"GET /v1/model HTTP/3.0"),
    no_target=request(b"GET  HTTP/1.1"),
    a_target_with_a_space=request(b"GET /v1/mo del HTTP/1.1"),
    a_target_with_a_control_character=request(b"GET /v1/\x01 HTTP/1.1"),
    a_target_of_no_ASCII=request("GET /v1/ä HTTP/1.1".encode()),
    a_target_that_is_relative=request(b"GET v1/model HTTP/1.1"),
    a_tunnel=request(b"CONNECT example.com:443 HTTP/1.1"),
)
TARGETS: Final = (
    _requests(
        200,
        a_target_in_absolute_form=request(b"GET http://127.0.0.1/v1/model HTTP/1.1"),
        a_target_with_a_fragment=request(b"GET /v1/model#part HTTP/1.1"),
        a_request_of_HTTP_1_0=request(b"GET /v1/model HTTP/1.0", b""),
        empty_lines_before=b"\r\n\r\n" + request(),
        a_query_of_nonsense=request(b"GET /v1/model?%00=%ff&&==&a[b]=%zz HTTP/1.1"),
    )
    | _requests(
        404,
        an_asterisk_for_GET=request(b"GET * HTTP/1.1"),
        a_path_out_of_the_root=request(b"GET /../../etc/passwd HTTP/1.1"),
        an_encoded_path_out_of_the_root=request(b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"),
        a_path_with_a_zero=request(b"GET /v1/model%00 HTTP/1.1"),
        a_path_of_bytes_that_are_no_text=request(b"GET /v1/%ff%fe HTTP/1.1"),
        a_path_with_double_slashes=request(b"GET //v1//model HTTP/1.1"),
    )
    | _requests(405, a_method_that_is_not_for_this_path=request(b"DELETE /v1/model HTTP/1.1"))
)
HEADERS: Final = _requests(
    400,
    no_host=request(headers=b""),
    two_hosts=request(headers=HOST + b"Host: evil.example\r\n"),
    the_same_host_twice=request(headers=HOST * 2),
    a_header_without_a_colon=request(headers=HOST + b"nonsense\r\n"),
    a_header_without_a_name=request(headers=HOST + b": value\r\n"),
    a_space_before_the_colon=request(headers=b"Host : 127.0.0.1\r\n"),
    an_obsolete_fold=request(headers=HOST + b"X-One: a\r\n b\r\n"),
    a_fold_of_the_first_header=request(headers=b" Host: 127.0.0.1\r\n"),
    a_zero_in_a_value=request(headers=HOST + b"X-One: a\x00b\r\n"),
    a_bare_carriage_return=request(headers=HOST + b"X-One: a\rX-Two: b\r\n"),
    a_name_of_no_ASCII=request(headers=HOST + "Ä: 1\r\n".encode()),
    a_length_that_is_no_number=upload(b"Content-Length: ten\r\n", b"0123456789"),
    a_length_below_zero=upload(b"Content-Length: -1\r\n"),
    a_length_with_a_sign=upload(b"Content-Length: +10\r\n", b"0123456789"),
    a_length_in_hexadecimals=upload(b"Content-Length: 0xa\r\n", b"0123456789"),
    a_length_beyond_64_bits=upload(b"Content-Length: 99999999999999999999\r\n"),
    two_lengths=upload(b"Content-Length: 10\r\nContent-Length: 3\r\n", b"0123456789"),
    two_lengths_in_one=upload(b"Content-Length: 10, 3\r\n", b"0123456789"),
    both_a_length_and_chunks=upload(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET"),
    both_chunks_and_a_length=upload(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n\r\nGET"),
    chunks_that_are_not_last=upload(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    an_encoding_that_looks_like_chunks=upload(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    a_chunk_size_that_is_none=upload(b"Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"),
    a_chunk_size_below_zero=upload(b"Transfer-Encoding: chunked\r\n", b"-1\r\nabc\r\n0\r\n\r\n"),
    a_chunk_size_beyond_64_bits=upload(b"Transfer-Encoding: chunked\r\n", b"1" + b"0" * 16 + b"\r\n"),
    a_chunk_longer_than_its_size=upload(b"Transfer-Encoding: chunked\r\n", b"3\r\nabcdef\r\n0\r\n\r\n"),
)
SIZES: Final = _requests(
    431,
    one_huge_header=request(headers=HOST + b"X-One: " + b"a" * MANY + b"\r\n"),
    very_many_headers=request(headers=HOST + b"X-One: a\r\n" * (MANY // 10)),
    a_huge_name=request(headers=HOST + b"x" * MANY + b": 1\r\n"),
    headers_without_an_end=b"GET /v1/model HTTP/1.1\r\n" + HOST + b"X-One: a\r\n" * (MANY // 10),
    a_huge_target=request(b"GET /" + b"a" * MANY + b" HTTP/1.1"),
    a_huge_trailer=upload(
        b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n" + b"X-One: a\r\n" * (MANY // 10) + b"\r\n"
    ),
    a_huge_extension_of_a_chunk=upload(
        b"Transfer-Encoding: chunked\r\n", b"3;" + b"a" * MANY + b"\r\nabc\r\n0\r\n\r\n"
    ),
)
HANDSHAKES: Final = (
    _requests(
        101,
        a_good_handshake=opening(),
        upgrade_among_others=opening(
            b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" + VERSION + KEY + PROTOCOL
        ),
        extensions_that_are_none=opening(HANDSHAKE + b"Sec-WebSocket-Extensions: ;;,=\r\n"),
        extensions_that_nobody_knows=opening(
            HANDSHAKE + b"Sec-WebSocket-Extensions: x-none; a=1, permessage-deflate\r\n"
        ),
    )
    | _requests(
        400,
        a_handshake_without_a_host=opening(host=b""),
        no_key=opening(UPGRADE + VERSION + PROTOCOL),
        two_keys=opening(HANDSHAKE + KEY),
        a_short_key=opening(UPGRADE + VERSION + PROTOCOL + b"Sec-WebSocket-Key: AAAA\r\n"),
        a_key_that_is_no_base64=opening(UPGRADE + VERSION + PROTOCOL + b"Sec-WebSocket-Key: !!!\r\n"),
        a_key_of_no_ASCII=opening(UPGRADE + VERSION + PROTOCOL + b"Sec-WebSocket-Key: \xff\r\n"),
        no_version=opening(UPGRADE + KEY + PROTOCOL),
        two_versions=opening(HANDSHAKE + VERSION),
        an_old_version=opening(UPGRADE + KEY + PROTOCOL + b"Sec-WebSocket-Version: 8\r\n"),
        a_protocol_that_is_none=opening(HANDSHAKE + b"Sec-WebSocket-Protocol: ,,;\r\n"),
        a_body=opening(HANDSHAKE + b"Content-Length: 3\r\n") + b"abc",
        a_body_in_chunks=opening(HANDSHAKE + b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n",
    )
    | _requests(405, a_handshake_by_POST=opening(line=b"POST /v1/stream HTTP/1.1"))
    | _requests(422, no_subprotocol=opening(UPGRADE + VERSION + KEY))
    | _requests(426, two_upgrades=opening(HANDSHAKE + b"Upgrade: websocket\r\n"))
    | _requests(
        431,
        very_many_headers_of_a_handshake=opening(HANDSHAKE + b"X-One: a\r\n" * 200),
        a_long_header_of_a_handshake=opening(HANDSHAKE + b"X-One: " + b"a" * 10_000 + b"\r\n"),
        a_long_target_of_a_handshake=opening(line=b"GET /v1/stream?" + b"a" * 10_000 + b" HTTP/1.1"),
    )
    | _requests(
        {200, 404},
        an_upgrade_to_HTTP_2=request(headers=HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
    )
)
