import pytest

from service.client.address import stream_urls


@pytest.mark.parametrize(
    ("url", "stream"),
    [
        ("http://localhost:8000", "ws://localhost:8000/v1/stream"),
        ("https://attune.example/", "wss://attune.example/v1/stream"),
        ("ws://[::1]:8000", "ws://[::1]:8000/v1/stream"),
        ("wss://example.org/attune/v1/stream", "wss://example.org/attune/v1/stream"),
    ],
)
def test_an_address_becomes_the_streams(url: str, stream: str) -> None:
    assert stream_urls(url) == (stream,)
    assert stream_urls([url, url]) == (stream, stream)


@pytest.mark.parametrize("urls", ["", "localhost:8000", "ftp://localhost", "http://", []])
def test_what_is_no_address_is_refused(urls: str | list[str]) -> None:
    with pytest.raises(ValueError, match="address"):
        stream_urls(urls)
