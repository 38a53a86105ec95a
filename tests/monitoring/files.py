"""The files that monitoring consists of, and the queries in them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "docker" / "prometheus" / "rules.yml"
CONFIG = ROOT / "docker" / "prometheus" / "prometheus.yml"
DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "attune.json"
DOCUMENT = ROOT / "docs" / "operations.md"


def rules() -> list[dict[str, Any]]:
    """Every rule of every group."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    """The rules that alert."""
    return [rule for rule in rules() if "alert" in rule]


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard that show something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def queries() -> list[tuple[str, str]]:
    """What each panel asks for, and its title; Grafana's variables are filled in."""
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*"))
        for panel in panels()
        for target in panel["targets"]
    ]


def metrics_of(expression: str) -> set[str]:
    """The metrics and recorded series that an expression asks for."""
    return set(re.findall(r"\b(?:attune[:_]|process_)[a-z0-9_:]+(?=[{\[])", expression))
