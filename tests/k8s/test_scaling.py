"""What decides how many pods there are."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from k8s.rendering import K8S, PRODUCTION, Manifests, asked_namespaces, quantity, readme_block, render

from service.settings import SESSIONS_PER_CORE

Rendered = Callable[[str], Manifests]

SCALED_BY_KUBERNETES = [name for name in PRODUCTION if name != "cpu-keda"]


def _targets(manifests: Manifests) -> dict[str, float]:
    """What each metric of the autoscaler should be per pod."""
    metrics = manifests.one("HorizontalPodAutoscaler")["spec"]["metrics"]
    assert {(metric["type"], metric["pods"]["target"]["type"]) for metric in metrics} == {("Pods", "AverageValue")}
    return {metric["pods"]["metric"]["name"]: quantity(metric["pods"]["target"]["averageValue"]) for metric in metrics}


def _adapter_rules() -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load((K8S / "components/hpa/prometheus-adapter.yaml").read_text())["rules"][
        "custom"
    ]
    return rules


def _triggers() -> dict[str, dict[str, str]]:
    [trigger, *others] = yaml.safe_load((K8S / "components/keda/scaled-object.yaml").read_text())["spec"]["triggers"]
    return {one["name"]: one["metadata"] for one in (trigger, *others)}


@pytest.mark.parametrize("overlay", SCALED_BY_KUBERNETES)
def test_pods_follow_active_sessions_and_the_delay_of_the_queue(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    targets = _targets(manifests)
    assert targets.keys() == {"attune_sessions_active", "attune_queue_seconds_p95"}
    # The sessions of one pod that goes find room in the others, however few there are.
    fewest = manifests.one("HorizontalPodAutoscaler")["spec"]["minReplicas"]
    assert 0.25 < targets["attune_sessions_active"] / manifests.setting("max_sessions") <= (fewest - 1) / fewest


@pytest.mark.parametrize("overlay", [*PRODUCTION, "dev"])
def test_a_pod_takes_as_many_sessions_as_its_cores_carry(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    assert manifests.setting("max_sessions") == SESSIONS_PER_CORE * manifests.limit("cpu")


@pytest.mark.parametrize("overlay", SCALED_BY_KUBERNETES)
def test_there_are_always_two_and_the_deployment_leaves_the_number_to_the_autoscaler(
    rendered: Rendered, overlay: str
) -> None:
    manifests = rendered(overlay)
    autoscaler = manifests.one("HorizontalPodAutoscaler")["spec"]
    assert 2 <= autoscaler["minReplicas"] < autoscaler["maxReplicas"]
    deployment = manifests.one("Deployment")
    assert "replicas" not in deployment["spec"]
    assert autoscaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }


@pytest.mark.parametrize("overlay", SCALED_BY_KUBERNETES)
def test_pods_come_at_once_and_go_slowly(rendered: Rendered, overlay: str) -> None:
    behavior = rendered(overlay).one("HorizontalPodAutoscaler")["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    down = behavior["scaleDown"]
    assert down["stabilizationWindowSeconds"] >= 600
    # One at a time; its sessions have moved long before the next one goes.
    [policy] = down["policies"]
    assert (policy["type"], policy["value"]) == ("Pods", 1)
    assert policy["periodSeconds"] >= rendered(overlay).setting("drain_delay") + rendered(overlay).setting(
        "session_grace"
    )


def test_the_adapter_makes_every_metric_that_the_autoscaler_asks_for(rendered: Rendered) -> None:
    made = {rule.get("name", {}).get("as") or rule["seriesQuery"].split("{")[0] for rule in _adapter_rules()}
    assert made == _targets(rendered("cpu")).keys()
    for rule in _adapter_rules():
        assert rule["resources"]["overrides"].keys() == {"namespace", "pod"}


def test_keda_scales_by_the_same_numbers_in_the_same_way(rendered: Rendered) -> None:
    autoscaler = rendered("cpu").one("HorizontalPodAutoscaler")["spec"]
    scaled = rendered("cpu-keda").one("ScaledObject")["spec"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (
        autoscaler["minReplicas"],
        autoscaler["maxReplicas"],
    )
    assert scaled["scaleTargetRef"] == autoscaler["scaleTargetRef"]
    assert scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == autoscaler["behavior"]
    thresholds = [float(trigger["metadata"]["threshold"]) for trigger in scaled["triggers"]]
    assert thresholds == list(_targets(rendered("cpu")).values())


def test_without_prometheus_keda_sends_no_pod_away(rendered: Rendered) -> None:
    scaled = rendered("cpu-keda").one("ScaledObject")["spec"]
    assert scaled["fallback"]["behavior"] == "currentReplicasIfHigher"
    assert scaled["fallback"]["replicas"] == scaled["minReplicaCount"]
    # A missing series has to count as a failure for that; 0 sessions would send pods away.
    assert {trigger["metadata"]["ignoreNullValues"] for trigger in scaled["triggers"]} == {"false"}


def test_keda_asks_about_the_namespace_of_its_installation(rendered: Rendered) -> None:
    namespace = rendered("cpu-keda").one("Namespace")["metadata"]["name"]
    scaled = rendered("cpu-keda").one("ScaledObject")
    assert asked_namespaces(scaled) == [namespace] * len(scaled["spec"]["triggers"])


def test_in_another_namespace_kedas_queries_need_the_replacement_that_the_readme_shows(
    kubectl: str, tmp_path: Path
) -> None:
    tree = shutil.copytree(K8S, tmp_path / "k8s")
    site = tree / "overlays" / "site"
    site.mkdir()
    installation: dict[str, Any] = {"namespace": "elsewhere", "resources": ["../cpu-keda"]}
    asked: list[list[str]] = []
    more: dict[str, Any]
    for more in ({}, yaml.safe_load(readme_block("replacements:"))):
        (site / "kustomization.yaml").write_text(yaml.safe_dump(installation | more))
        asked.append(asked_namespaces(render(kubectl, site).one("ScaledObject")))
    assert asked == [["attune"] * 2, ["elsewhere"] * 2]


def test_queries_are_about_the_job_that_the_service_monitor_makes(rendered: Rendered) -> None:
    monitor = rendered("cpu").one("ServiceMonitor")["spec"]
    [service] = [
        service
        for service in rendered("cpu").all("Service")
        if monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ]
    job = service["metadata"]["labels"][monitor["jobLabel"]]
    queries = [rule["seriesQuery"] for rule in _adapter_rules()] + [one["query"] for one in _triggers().values()]
    assert [re.findall(r'job="([^"]*)"', query) for query in queries] == [[job]] * 4
    [endpoint] = monitor["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert service["spec"]["publishNotReadyAddresses"], "a pod that drains is measured too"
