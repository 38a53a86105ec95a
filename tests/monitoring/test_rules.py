"""Rules and dashboard: well-formed, about metrics that exist, and every alert with what to do about it."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from monitoring.files import DASHBOARD, DOCUMENT, RULES, alerts, metrics_of, panels, queries, rules

from service.api.metrics import Metrics

ALERTS = [pytest.param(alert, id=alert["alert"]) for alert in alerts()]


def documented() -> set[str]:
    """The metrics that docs/operations.md lists, which a test holds equal to those that there are."""
    text = DOCUMENT.read_text()
    section = text[text.index("\n## Metrics\n") : text.index("\n## Logs\n")]
    return set(re.findall(r"`(attune_\w+)", section))


def exists(name: str) -> bool:
    """Whether there is such a metric, or a part of such a histogram, or a record of that name."""
    family = re.sub(r"_(bucket|sum|count)$", "", name)
    return name in documented() | {rule.get("record") for rule in rules()} or family in documented()


def test_promtool_takes_the_rules(program: Callable[..., str]) -> None:
    command = [program("promtool", "prometheus"), "check", "rules", "--lint-fatal", str(RULES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_only_then(program: Callable[..., str]) -> None:
    cases = Path(__file__).parent / "alerts.yml"
    command = [program("promtool", "prometheus"), "test", "rules", str(cases)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    cases = yaml.safe_load((Path(__file__).parent / "alerts.yml").read_text())["tests"]
    fired = {
        check["alertname"] for case in cases for check in case.get("alert_rule_test", ()) if check.get("exp_alerts")
    }
    assert fired == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_severity_and_leads_to_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"]["summary"]
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert page == "docs/operations.md"
    heading = f"\n### {alert['alert']}\n\n"
    assert anchor == str(alert["alert"]).lower()
    text = DOCUMENT.read_text()
    assert heading in text
    assert len(text[text.index(heading) + len(heading) :].split("\n\n")[0]) > 80, "a line that says what to do"


def test_no_alert_is_explained_that_does_not_exist() -> None:
    assert set(re.findall(r"\n### (Attune\w+)\n", DOCUMENT.read_text())) == {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("expression", [pytest.param(rule["expr"], id=next(iter(rule.values()))) for rule in rules()])
def test_a_rule_asks_for_what_there_is_and_for_this_job_alone(expression: str) -> None:
    names = metrics_of(expression)
    assert names or "up{" in expression
    assert all(exists(name) or name.startswith("process_") for name in names), names
    assert all(selector.startswith('{job="attune"') for selector in re.findall(r"\{[^}]*\}", expression))
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        assert "instance" not in labels
        assert labels.startswith("job, namespace"), "two installations may share a Prometheus"


@pytest.mark.parametrize(("title", "query"), queries())
def test_a_panel_asks_for_what_there_is(title: str, query: str) -> None:
    names = metrics_of(query)
    assert names, title
    assert all(exists(name) or name.startswith("process_") for name in names), (title, names)


def test_outcomes_that_rules_and_panels_speak_of_exist() -> None:
    text = Metrics().text().decode()
    for expression in [*(rule["expr"] for rule in rules()), *(query for _, query in queries())]:
        for alternatives in re.findall(r'outcome=~?"([^"]*)"', expression):
            for outcome in alternatives.split("|"):
                assert f'attune_analyses_total{{outcome="{outcome}"}}' in text
        for fate in re.findall(r'fate="([^"]*)"', expression):
            assert f'attune_frames_total{{fate="{fate}"}}' in text


def test_the_dashboard_shows_every_metric_of_the_service() -> None:
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for _, query in queries() for name in metrics_of(query)}
    assert documented() - shown <= {"attune_queue_seconds_p95"}


def test_panels_have_ids_of_their_own_a_data_source_a_description_and_do_not_overlap() -> None:
    shown = panels()
    assert len({panel["id"] for panel in shown}) == len(shown)
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    for panel in shown:
        assert panel["description"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "prometheus"}
