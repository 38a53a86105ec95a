"""A real Prometheus with the configuration that is shipped: it scrapes, it records, and it can answer every panel."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from api.conftest import SIZE, portrait
from api.harness import PATIENCE, Running, run, wait_until
from api.talking import talk
from live.replicas import lasting_port
from media.clips import Clip, write_clip
from monitoring.files import CONFIG, RULES, queries, rules

from service.protocol.messages import Measurement

SILENT = {"Our failures": "0/0 where there were none", "Restarts of decoding processes": ""}
"""Panels whose queries may have no number, or 0, to show."""


class Prometheus:
    """One that runs, and its query interface."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer, which must be a success."""
        answer = self._client.get(f"/api/v1/{path}", params=parameters)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def ask(self, query: str) -> list[float]:
        """The values that a query has now; those that are no number left out."""
        values = [float(one["value"][1]) for one in self.get("query", query=query)["result"]]
        return [value for value in values if value == value]


@pytest.fixture(scope="module")
def replica() -> Iterator[Running]:
    """A service that is scraped."""
    with run(workers=1, checkpoint_interval=0.4) as service:
        yield service


@pytest.fixture(scope="module")
def prometheus(
    program: Callable[..., str], replica: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Prometheus with the shipped configuration; only the targets and the intervals are others."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = dict.fromkeys(config["global"], "1s")
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{replica.port}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules.yml").write_text(RULES.read_text())
    port = lasting_port()
    command = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
                told = Prometheus(client)
                wait_until(lambda: told.ready() or process.poll() is not None)
                assert process.poll() is None, (folder / "log").read_text()
                yield told
        finally:
            process.terminate()
            process.wait(PATIENCE)


def test_the_shipped_configuration_is_taken_as_it_is(program: Callable[..., str]) -> None:
    command = [program("promtool", "prometheus"), "check", "config", str(CONFIG)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_service_at_work_is_scraped_recorded_and_can_be_shown(prometheus: Prometheus, replica: Running) -> None:
    clip = write_clip(Clip("matroska", video="mpeg4", audio="pcm_s16le", seconds=2, size=SIZE, pictures=portrait))
    wait_until(lambda: prometheus.ask('up{job="attune"}') == [1.0])
    assert replica.analyse(clip).status_code == 200
    with talk(replica) as session:
        session.media(clip)
        session.hear_until(Measurement)
        wait_until(lambda: prometheus.ask("sum(attune_sessions_active)") == [1.0])
        session.end()
    wait_until(lambda: prometheus.ask('sum(attune_sessions_total{outcome="ok"})') == [1.0])
    wait_until(lambda: prometheus.ask('attune:queue_seconds:p95{job="attune"} > 0') != [])
    for title, query in queries():
        wait_until(lambda title=title, query=query: bool(prometheus.ask(query)) or title in SILENT)  # type: ignore[misc]


def test_every_rule_is_evaluated_without_a_fault_and_a_service_at_peace_alerts_nobody(prometheus: Prometheus) -> None:
    def loaded() -> list[dict[str, Any]]:
        return [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] == "ok" for rule in loaded()))
    assert {rule["name"] for rule in loaded()} == {rule.get("record") or rule["alert"] for rule in rules()}
    assert [alert for alert in prometheus.get("alerts")["alerts"] if alert["state"] == "firing"] == []
