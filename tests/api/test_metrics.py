"""The metrics: what they add up to, that their labels are bounded, and that real requests move them."""

import os
import re
import signal
import subprocess
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from api.harness import Running, chunk, read_all, run, wait_until
from api.talking import stream, talk
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.parser import text_string_to_metric_families

from service.api.metrics import Meter
from service.protocol.messages import Checkpoint, Measurement, SessionResumed
from service.representation import STEP_RATE

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "operations.md"


def samples(running: Running) -> dict[str, float]:
    """Every line of /metrics by its name and labels."""
    lines = running.client.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


class Growth:
    """By how much lines of /metrics have grown since this was made."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._before = samples(running)

    def __call__(self, name: str) -> float:
        return samples(self._running).get(name, 0.0) - self._before.get(name, 0.0)


# Meter


def meter() -> tuple[Meter, Callable[[], tuple[int, float]]]:
    """A meter, and how to ask for the number and the sum of what it has observed."""
    registry = CollectorRegistry()
    histogram = Histogram("work_seconds", "Work.", registry=registry)

    def observed() -> tuple[int, float]:
        count, total = (registry.get_sample_value(f"work_seconds_{name}") for name in ("count", "sum"))
        assert count is not None
        assert total is not None
        return int(count), total

    return Meter(histogram), observed


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(0, 10)), max_size=30))
def test_however_media_is_cut_there_is_one_observation_for_each_second_of_it_and_nothing_is_lost(
    pieces: list[tuple[int, float]],
) -> None:
    one, observed = meter()
    for steps, seconds in pieces:
        one.add(steps, seconds)
    one.finish()
    count, total = observed()
    assert count == -(-sum(steps for steps, _ in pieces) // STEP_RATE)
    assert total == pytest.approx(sum(seconds for _, seconds in pieces))


def test_a_second_that_is_not_over_is_observed_at_the_end_and_once() -> None:
    one, observed = meter()
    one.add(STEP_RATE - 1, 3.0)
    assert observed() == (0, 0.0)
    one.finish()
    one.finish()
    assert observed() == (1, 3.0)


# Names and labels


def test_every_metric_is_documented_and_nothing_else(running: Running) -> None:
    there = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(running.client.get("/metrics").text)
        if not family.name.startswith("process_")
    }
    document = DOCUMENT.read_text()
    section = document[document.index("\n## Metrics\n") : document.index("\n## Logs\n")]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `attune_")]
    assert {name for row in rows for name in re.findall(r"`(attune_\w+)", row)} == there


def test_promtool_finds_nothing_to_complain_about(running: Running, program: Callable[..., str]) -> None:
    promtool = program("promtool", "prometheus")
    text = running.client.get("/metrics").content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nothing_that_a_caller_makes_up_becomes_a_series(running: Running) -> None:
    def provoke() -> None:
        made_up = uuid.uuid4().hex
        running.client.get(f"/v1/{made_up}", headers={"X-Request-ID": made_up})
        running.client.get(f"/{made_up}", params={made_up: made_up})
        running.client.get("/v1/model", headers={"Authorization": f"Bearer {made_up}", "User-Agent": made_up})
        running.client.post(f"/v1/analyses?{made_up}=1", content=b"media")
        running.client.request("PROPFIND", f"/v1/analyses/{made_up}")
        running.client.request(made_up.upper(), "/v1/analyses")

    provoke()
    before = set(samples(running))
    for _ in range(5):
        provoke()
    assert set(samples(running)) == before
    assert len(before) < 1000


# Requests


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("GET", "/v1/model", 'code="ok",route="/v1/model",status="200"'),
        ("GET", "/health/live", 'code="ok",route="/health/live",status="200"'),
        ("GET", "/v1/analyses", 'code="method_not_allowed",route="/v1/analyses",status="405"'),
        ("POST", "/v1/analyses?nonsense=1", 'code="invalid_request",route="/v1/analyses",status="422"'),
        ("GET", "/v1/nothing", 'code="not_found",route="other",status="404"'),
        ("GET", "/", 'code="ok",route="page",status="200"'),
        ("GET", "/docs", 'code="ok",route="page",status="200"'),
        ("GET", "/v1/stream", 'code="not_found",route="other",status="404"'),
    ],
)
def test_a_request_counts_by_route_status_and_code(running: Running, method: str, path: str, line: str) -> None:
    grown = Growth(running)
    running.client.request(method, path)
    assert grown(f"attune_requests_total{{{line}}}") == 1


def test_what_is_refused_before_it_comes_to_a_route_is_counted_by_its_code(running: Running) -> None:
    grown = Growth(running)
    running.client.post("/v1/analyses", headers={"Origin": "https://example.org"})
    assert grown('attune_requests_total{code="origin_not_allowed",route="other",status="403"}') == 1
    running.client.get("/v1/model", headers={"Host": "example.org"})
    assert grown('attune_requests_total{code="host_not_allowed",route="other",status="421"}') == 1


def test_a_handshake_counts_when_it_is_answered(running: Running) -> None:
    grown = Growth(running)
    with talk(running) as session:
        session.hear()
        assert grown('attune_requests_total{code="ok",route="/v1/stream",status="101"}') == 1
    with pytest.raises(Exception, match="422"), talk(running, subprotocols=()):
        pass
    assert grown('attune_requests_total{code="invalid_request",route="/v1/stream",status="422"}') == 1
    with pytest.raises(Exception, match="404"), talk(running, path="/nope"):
        pass
    assert grown('attune_requests_total{code="not_found",route="other",status="404"}') == 1


def test_a_client_that_leaves_counts_as_cancelled(running: Running, clip: bytes) -> None:
    grown = Growth(running)
    with running.upload(clip[:1000]):
        wait_until(lambda: running.metric("attune_active_analyses") == 1)
    running.wait_for_idle()
    wait_until(lambda: grown('attune_requests_total{code="cancelled",route="/v1/analyses",status="499"}') == 1)
    assert grown('attune_analyses_total{outcome="cancelled"}') == 1


def test_an_analysis_that_fails_inside_an_event_stream_counts_by_its_code(running: Running) -> None:
    grown = Growth(running)
    with running.upload(b"no film " * 1000, accept="text/event-stream", kind="video/x-matroska") as connection:
        connection.sendall(chunk(b""))
        answer = read_all(connection)
    assert b"unsupported_media" in answer
    running.wait_for_idle()
    assert grown('attune_analyses_total{outcome="unsupported_media"}') == 1
    status = answer.split(b" ", 2)[1].decode()
    assert grown(f'attune_requests_total{{code="unsupported_media",route="/v1/analyses",status="{status}"}}') == 1


def test_a_session_whose_worker_was_killed_counts_once(running: Running, clip: bytes) -> None:
    def count(grown: Growth) -> dict[str, float]:
        wait_until(lambda: running.metric("attune_sessions_active") == 0)
        names = ["attune_media_seconds_total", "attune_measurements_total", "attune_measurement_delay_seconds_count"]
        names += [f'attune_frames_total{{fate="{fate}"}}' for fate in ("measured", "off_grid", "late", "invalid")]
        names += ['attune_sessions_total{outcome="ok"}', "attune_received_bytes_total"]
        names += ['attune_inference_seconds_count{kind="session"}']
        return {name: grown(name) for name in names}

    grown = Growth(running)
    stream(running, clip)
    wanted = count(grown)
    grown = Growth(running)
    with talk(running) as session:
        session.media(clip[: len(clip) // 2])
        session.hear_until(Measurement)
        [worker] = running.service.pool.pids
        os.kill(worker, signal.SIGKILL)
        session.media(clip[len(clip) // 2 :])
        session.end()
    assert count(grown) == pytest.approx(wanted)  # seconds are added up in another order
    for stage in ("decode", "perception", "queue"):
        wanted_most = 2  # once for each second of media; what died with the process is missing
        assert grown(f'attune_{stage}_seconds_count{{kind="session"}}') <= wanted_most
    assert grown('attune_sessions_recovered_total{kind="session"}') == 1
    assert grown('attune_sessions_recovered_total{kind="analysis"}') == 0
    assert grown("attune_sessions_resumed_total") == 0
    wait_until(lambda: grown("attune_worker_restarts_total") == 1)
    wait_until(lambda: running.metric("attune_live_workers") == 1)


def test_more_than_there_is_room_for_is_counted_as_busy(strict: Running, clip: bytes) -> None:
    grown = Growth(strict)
    with strict.upload(clip[:1000]):
        wait_until(lambda: strict.metric("attune_active_analyses") == 1)
        assert strict.analyse(clip).status_code == 429
    strict.wait_for_idle()
    assert strict.metric("attune_analyses_limit") == 1
    assert grown('attune_analyses_total{outcome="busy"}') == 1
    assert grown("attune_analysis_seconds_count") == 1, "a refusal is no analysis"
    assert grown('attune_requests_total{code="busy",route="/v1/analyses",status="429"}') == 1


# Where the time goes


def test_the_stages_of_an_upload_are_observed_once_for_each_second_of_it(running: Running, clip: bytes) -> None:
    grown = Growth(running)
    assert running.analyse(clip).status_code == 200
    running.wait_for_idle()
    for stage in ("decode", "perception", "inference"):
        assert grown(f'attune_{stage}_seconds_count{{kind="analysis"}}') == 2
        assert 0 < grown(f'attune_{stage}_seconds_sum{{kind="analysis"}}') < grown("attune_analysis_seconds_sum")
        assert grown(f'attune_{stage}_seconds_count{{kind="session"}}') == 0
    assert grown('attune_queue_seconds_count{kind="analysis"}') == 1
    assert grown('attune_queue_seconds_count{kind="session"}') == 0


def test_the_stages_of_a_session_are_observed_while_it_goes_on(running: Running, clip: bytes) -> None:
    grown = Growth(running)
    with talk(running) as session:
        session.media(clip)
        session.hear_until(Measurement)
        for stage in ("queue", "decode", "perception", "inference"):
            wait_until(lambda stage=stage: grown(f'attune_{stage}_seconds_count{{kind="session"}}') >= 1)  # type: ignore[misc]
        session.end()
    wait_until(lambda: running.metric("attune_sessions_active") == 0)
    for stage in ("queue", "decode", "perception", "inference"):
        assert grown(f'attune_{stage}_seconds_count{{kind="session"}}') == 2
        assert grown(f'attune_{stage}_seconds_sum{{kind="session"}}') > 0
        assert grown(f'attune_{stage}_seconds_count{{kind="analysis"}}') == 0


def test_media_that_waits_for_a_busy_process_shows_in_the_queue(running: Running, clip: bytes) -> None:
    [worker] = running.service.pool.pids
    with talk(running) as session:
        session.media(clip[: len(clip) // 4])
        session.hear_until(Measurement)
        grown = Growth(running)
        os.kill(worker, signal.SIGSTOP)
        try:
            session.media(clip[len(clip) // 4 :])
            with suppress(TimeoutError):  # nothing is said any more
                while True:
                    session.socket.recv(0.6)
        finally:
            os.kill(worker, signal.SIGCONT)
        session.end()
    below = grown('attune_queue_seconds_bucket{kind="session",le="0.25"}')
    assert grown('attune_queue_seconds_count{kind="session"}') > below, "some second of media waited longer than that"


def test_steps_with_and_without_face_and_speech_add_up_to_the_media(running: Running, clip: bytes) -> None:
    grown = Growth(running)
    assert running.analyse(clip).status_code == 200
    video = [grown(f'attune_video_steps_total{{face="{answer}"}}') for answer in ("yes", "no")]
    sound = [grown(f'attune_sound_steps_total{{speech="{answer}"}}') for answer in ("yes", "no")]
    assert sum(video) == pytest.approx(50, abs=2)
    assert video[0] > 30
    assert sum(sound) == pytest.approx(50, abs=2)
    assert sound[0] == 0, "a tone is no speech"


def test_batches_of_both_networks_are_observed(running: Running, clip: bytes) -> None:
    grown = Growth(running)
    faces = sum(one.box is not None for one in stream(running, clip).all(Measurement))
    for model in ("face_encoder", "fusion"):
        label = f'{{model="{model}"}}'
        runs = grown(f"attune_batch_rows_count{label}")
        assert runs > 0
        assert grown(f"attune_batch_seconds_count{label}") == runs
        assert grown(f"attune_batch_seconds_sum{label}") > 0
        assert grown(f"attune_batch_wait_seconds_count{label}") >= runs
        assert grown(f"attune_batch_rows_sum{label}") >= runs
        assert running.metric(f"attune_queue_depth{label}") == 0
    assert grown('attune_batch_rows_sum{model="face_encoder"}') == faces


# The replica


def test_the_replica_says_what_it_is(running: Running) -> None:
    told = running.service.model
    model = f'attune_model_info{{name="{told.name}",provider="cpu",version="{told.version}"}}'
    assert running.metric(model) == 1
    assert running.metric("attune_configured_workers") == 1
    assert running.metric("attune_sessions_limit") == 4
    assert running.metric("attune_ready") == 1
    assert running.metric("attune_draining") == 0
    assert running.metric("process_resident_memory_bytes") > 10_000_000


def test_a_session_that_goes_on_from_a_checkpoint_is_counted(clip: bytes) -> None:
    with run(workers=1, checkpoint_interval=0.4) as service:
        token = stream(service, clip).all(Checkpoint)[-1].token
        grown = Growth(service)
        with talk(service) as session:
            session.say("session.resume", token=token)
            session.hear_until(SessionResumed)
            assert grown("attune_sessions_resumed_total") == 1


def test_a_service_that_drains_says_so_on_its_admin_port() -> None:
    with (
        run(workers=1, admin_port=0, drain_delay=600) as service,
        httpx.Client(base_url=f"http://127.0.0.1:{_admin_port(service)}", trust_env=False) as admin,
    ):
        assert "attune_draining 0.0" in admin.get("/metrics").text
        admin.post("/internal/drain")
        text = admin.get("/metrics").text
        assert "attune_draining 1.0" in text
        assert "attune_ready 0.0" in text
        assert 'attune_requests_total{code="ok",route="/internal/drain",status="202"} 1.0' in text
        service.service.drain.end()


def _admin_port(running: Running) -> int:
    assert running.server.admin is not None
    port: int = running.server.admin.servers[0].sockets[0].getsockname()[1]
    return port
