"""Traces, as a collector gets them."""

from collections.abc import Iterator

import pytest
from api.collector import Collector, collecting
from api.harness import run, wait_until
from api.talking import talk
from pydantic import ValidationError

from service import settings as settings_module
from service.api.requests import REQUEST_ID
from service.protocol.messages import SessionCreated
from service.settings import Settings

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with collecting() as one:
        yield one


def test_an_upload_is_a_trace_that_goes_on_with_the_callers_and_tells_where_its_time_went(
    collector: Collector, clip: bytes
) -> None:
    with run(workers=1, trace_endpoint=collector.url) as service:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", REQUEST_ID: "r-1"}
        service.client.get("/health/live", headers=headers)
        service.client.post("/v1/analyses", params={"horizon": "0.7311"}, content=clip, headers=headers)
        request = collector.span("POST /v1/analyses")
        queue, analyse = collector.span("queue"), collector.span("analyse")
    assert (request.trace, request.parent) == (TRACE, PARENT)
    assert {queue.parent, analyse.parent} == {request.id}
    assert {span.trace for span in collector.spans} == {TRACE}
    assert len(collector.spans) == 3, "health is not traced"
    assert (request.attributes["attune.request"], request.attributes["attune.code"]) == ("r-1", "ok")
    assert request.attributes["http.response.status_code"] == 200
    assert analyse.attributes["attune.media_seconds"] == pytest.approx(2, abs=0.1)
    for stage in ("decode", "perception", "inference"):
        assert 0 < analyse.attributes[f"attune.{stage}_seconds"] < 60
    assert collector.resource["service.name"] == "attune"
    assert request.attributes["http.route"] == "/v1/analyses"
    assert "0.7311" not in repr(collector.spans), "queries are the caller's own"


def test_what_a_caller_writes_gets_into_no_span(collector: Collector) -> None:
    with run(workers=1, trace_endpoint=collector.url, allow_anonymous=True) as service:
        headers = {
            "Host": "marked.example",
            "User-Agent": "marked",
            "Referer": "http://marked/",
            "X-File-Name": "marked",
        }
        service.client.request("MARKED", "/marked.mp4", params={"marked": "marked"}, headers=headers)
        service.client.get("/v1/marked", headers=headers)
        service.client.get("/v1/model", headers=headers)
        wait_until(lambda: len(collector.spans) >= 2)
    assert "marked" not in repr(collector.spans).lower()


def test_a_session_is_a_span_to_its_end(collector: Collector, clip: bytes) -> None:
    with run(workers=1, trace_endpoint=collector.url) as service:
        with talk(service, query="?token=secret-of-the-caller") as session:
            name = session.hear_until(SessionCreated).session
            session.media(clip)
            session.end()
        span = collector.span("WS /v1/stream")
    assert (span.attributes["attune.session"], span.attributes["attune.outcome"]) == (name, "ok")
    assert "secret-of-the-caller" not in repr(collector.spans)


def test_the_last_spans_are_sent_before_the_service_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "600000")
    with collecting() as collector:
        with run(workers=1, trace_endpoint=collector.url) as service:
            service.client.get("/v1/model")
            assert collector.spans == []
        assert [span.name for span in collector.spans] == ["GET /v1/model"]


def test_without_the_setting_nothing_is_sent_whatever_the_environment_says(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, clip: bytes
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.removesuffix("/v1/traces"))
    with run(workers=1, admin_port=0) as service:
        assert service.analyse(clip).status_code == 200
        service.client.get("/v1/model")
    assert collector.spans == []


def test_a_collector_that_is_away_costs_no_request(monkeypatch: pytest.MonkeyPatch, clip: bytes) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with collecting() as gone:
        pass
    with run(workers=1, trace_endpoint=gone.url) as service:
        assert service.analyse(clip).status_code == 200


def test_traces_without_the_extra_are_refused_at_once_and_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_module, "find_spec", lambda name: None if name == "opentelemetry.sdk" else object())
    with pytest.raises(ValidationError, match=r"attune\[otel\]"):
        Settings(trace_endpoint="http://127.0.0.1:4318/v1/traces")
    with pytest.raises(ValidationError, match="http://"):
        Settings(trace_endpoint="127.0.0.1:4318")
    assert Settings().trace_endpoint is None
