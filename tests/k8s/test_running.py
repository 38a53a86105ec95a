"""The service lives and goes as its manifest says, on a read-only root."""

import json
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from api.conftest import SIZE, portrait
from api.harness import PATIENCE, wait_until
from k8s.pod import pod
from k8s.rendering import K8S, Manifests
from media.clips import Clip, write_clip

from service.credentials import entry, new_key

Rendered = Callable[[str], Manifests]


@dataclass(frozen=True)
class Life:
    """What was seen of a pod."""

    probes: dict[str, int]
    answers: dict[str, int]
    metrics: str
    probes_in_drain: dict[str, int]
    exit_code: int
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def life(rendered: Rendered, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """One pod from its start to its end."""
    folder = tmp_path_factory.mktemp("pod")
    manifests = rendered("cpu")
    key = new_key()
    # Its index at the end, so that it has to be spooled.
    clip = write_clip(Clip(seconds=2, size=SIZE, pictures=portrait))
    variables = {
        "ATTUNE_API_KEYS": entry("web", key),
        "ATTUNE_CHECKPOINT_KEY": "a key for all of the replicas",
    }
    with pod(manifests, folder, **variables) as running:

        def started() -> bool:
            assert running.process.poll() is None, (folder / "log").read_text()
            return running.probe("startup") == 200

        wait_until(started)

        def analyse(**headers: str) -> int:
            headers = {"Content-Type": "video/mp4", **headers}
            url = running.url("http", "/v1/analyses")
            return httpx.post(url, content=clip, headers=headers, trust_env=False, timeout=PATIENCE).status_code

        answers = {
            "with the key": analyse(Authorization=f"Bearer {key}"),
            "without": analyse(),
            "metrics for callers": httpx.get(running.url("http", "/metrics"), trust_env=False).status_code,
        }
        probes = {kind: running.probe(kind) for kind in ("readiness", "liveness")}
        metrics = httpx.get(running.url("admin", "/metrics"), trust_env=False).text
        running.process.send_signal(signal.SIGTERM)
        in_drain = dict(probes)

        def draining() -> bool:
            in_drain.update({kind: running.probe(kind) for kind in probes})
            return in_drain["readiness"] != 200

        wait_until(draining)
        # Less than ATTUNE_SHUTDOWN_GRACE, so that it was not cut off.
        exit_code = running.process.wait(PATIENCE)
    # Fontconfig, which images have not, misses a home.
    log = [json.loads(line) for line in (folder / "log").read_text().splitlines() if not line.startswith("Fontconfig ")]
    return Life(probes, answers, metrics, in_drain, exit_code, log)


def test_it_comes_up_ready_and_alive(life: Life) -> None:
    assert life.probes == {"readiness": 200, "liveness": 200}


def test_the_volumes_are_all_that_it_needs_to_write(life: Life) -> None:
    assert life.answers["with the key"] == 200
    assert [line for line in life.log if line["level"].lower() not in {"debug", "info"}] == []


def test_it_asks_for_a_key_and_shows_callers_no_metrics(life: Life) -> None:
    assert life.answers["without"] == 401
    assert life.answers["metrics for callers"] == 404


def test_in_a_drain_it_is_not_ready_but_alive(life: Life) -> None:
    assert life.probes_in_drain == {"readiness": 503, "liveness": 200}


def test_it_goes_by_itself_and_without_a_complaint(life: Life) -> None:
    assert life.exit_code == 0


def test_every_series_that_scaling_and_alerts_ask_for_is_there(life: Life, rendered: Rendered) -> None:
    adapter = yaml.safe_load((K8S / "components/hpa/prometheus-adapter.yaml").read_text())["rules"]["custom"]
    triggers = rendered("cpu-keda").one("ScaledObject")["spec"]["triggers"]
    rules = [rule for group in rendered("cpu").one("PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    queries = [rule["seriesQuery"] for rule in adapter] + [trigger["metadata"]["query"] for trigger in triggers]
    queries += [rule["expr"] for rule in rules]
    asked = {name for query in queries for name in re.findall(r"attune[_:][\w:]+", query)}
    exposed = set(re.findall(r"^# TYPE (\S+)", life.metrics, re.MULTILINE))
    for name in re.findall(r"^# TYPE (\S+) histogram", life.metrics, re.MULTILINE):
        exposed |= {f"{name}_bucket", f"{name}_count"}
    assert asked - exposed - {rule["record"] for rule in rules if "record" in rule} == set()
