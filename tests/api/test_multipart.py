"""The part `file` of a form, while it arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.multipart import MAX_OTHER_BYTES, MAX_PARTS, FilePart
from service.errors import InvalidRequest

BOUNDARY = "----x7"
TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'


def part(name: str, content: bytes, *, extra: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def parsed(body: bytes, *cuts: int) -> bytes:
    parser = FilePart(TYPE)
    ends = [*sorted(cuts), len(body)]
    media = b"".join(parser.feed(body[start:end]) for start, end in zip([0, *ends], ends, strict=False))
    parser.finish()
    return media


@given(st.binary(max_size=80), st.lists(st.integers(0, 400), max_size=8))
def test_the_file_comes_out_whole_however_the_body_is_cut(content: bytes, cuts: list[int]) -> None:
    body = part("before", b"1") + part("file", content, extra='; filename="a.mp4"') + part("after", b"2") + END
    assert parsed(body, *cuts) == content


@pytest.mark.parametrize("content", [b"\r\n", b"--", b"\r\n--", b"\r\n------", f"\r\n--{BOUNDARY[:-1]}".encode()])
def test_what_looks_like_a_boundary_stays_media(content: bytes) -> None:
    body = part("file", b"a" + content + b"b") + END
    for cut in range(len(body)):
        assert parsed(body, cut) == b"a" + content + b"b"


def test_media_comes_out_before_the_last_byte_went_in() -> None:
    assert FilePart(TYPE).feed(part("file", b"m" * 1000)[:-500])


def test_a_body_may_end_without_the_last_line_break() -> None:
    assert parsed(part("file", b"abc") + END[:-2]) == b"abc"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (END, "no part named"),
        (b"", "no part named"),
        (part("other", b"abc") + END, "no part named"),
        (part("file", b"a") + part("file", b"b") + END, "more than one"),
        (part("file", b"abc"), "ends before"),
        (part("file", b"abc") + END[:-4], "ends before"),
        (b"no boundary at all", "malformed"),
        (part("other", b"x" * (MAX_OTHER_BYTES + 1)) + END, "too much"),
        (part("other", b"") * (MAX_PARTS + 1) + END, "more than"),
        (f"--{BOUNDARY}\r\nX: {'y' * 100_000}\r\n\r\n".encode(), "malformed"),
        (f"--{BOUNDARY}\r\n".encode() + b"X: y\r\n" * 1000, "malformed"),
    ],
)
def test_a_bad_body_is_an_invalid_request(body: bytes, complaint: str) -> None:
    with pytest.raises(InvalidRequest, match=complaint):
        parsed(body)


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'b' * 300}"])
def test_a_boundary_that_is_missing_or_too_long_is_an_invalid_request(content_type: str) -> None:
    with pytest.raises(InvalidRequest, match="boundary"):
        FilePart(content_type)


def test_a_malformed_body_writes_nothing_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidRequest):
        FilePart("multipart/form-data; boundary=b").feed(b"--x\r\n")
    assert not caplog.records
