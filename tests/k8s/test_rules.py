"""Alerts in a cluster are those of docker/prometheus, and somebody knows what to do about each."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from k8s.rendering import PRODUCTION, ROOT, Manifests

Rendered = Callable[[str], Manifests]


def _groups(manifests: Manifests) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = manifests.one("PrometheusRule")["spec"]["groups"]
    return groups


def _on_one_line(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With expressions as Prometheus reads them: kustomize breaks long ones anew."""
    return [
        {**group, "rules": [{**rule, "expr": " ".join(rule["expr"].split())} for rule in group["rules"]]}
        for group in groups
    ]


@pytest.mark.parametrize("overlay", PRODUCTION)
def test_the_rules_are_those_of_the_prometheus_of_compose(rendered: Rendered, overlay: str) -> None:
    original = yaml.safe_load((ROOT / "docker/prometheus/rules.yml").read_text())["groups"]
    assert _on_one_line(_groups(rendered(overlay))) == _on_one_line(original), (
        "copy the groups into k8s/components/monitoring/prometheus-rule.yaml"
    )


def test_every_alert_has_a_severity_a_summary_and_a_runbook_that_is_there(rendered: Rendered) -> None:
    headings = {
        re.sub(r"[^a-z0-9-]", "", line.lstrip("# ").lower().replace(" ", "-"))
        for line in (ROOT / "docs/operations.md").read_text().splitlines()
        if line.startswith("#")
    }
    alerts = [rule for group in _groups(rendered("cpu")) for rule in group["rules"] if "alert" in rule]
    assert alerts
    for alert in alerts:
        assert alert["labels"]["severity"] in {"critical", "warning"}
        assert alert["annotations"]["summary"]
        page, _, heading = alert["annotations"]["runbook"].partition("#")
        assert page == "docs/operations.md"
        assert heading in headings, alert["alert"]
