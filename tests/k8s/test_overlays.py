"""Every overlay renders, is valid, and has everything."""

import copy
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from k8s.rendering import K8S, OVERLAYS, PRODUCTION, Manifests, asked_namespaces, readme_block, render
from pydantic import ValidationError

from k8s import custom_resources

Rendered = Callable[[str], Manifests]

OLDEST = "1.30"
"""The first Kubernetes where a preStop hook may sleep unless told otherwise."""
NEWEST = ".".join(kubernetes_validate.latest_version().split(".")[:2])

EVERYWHERE = {"Namespace", "ServiceAccount", "ConfigMap", "Secret", "Service", "Deployment", "PodDisruptionBudget"} | {
    "NetworkPolicy"
}
IN_PRODUCTION = {
    "cpu": {"HorizontalPodAutoscaler", "HTTPRoute", "ServiceMonitor", "PrometheusRule"},
    "gpu": {"HorizontalPodAutoscaler", "HTTPRoute", "ServiceMonitor", "PrometheusRule"},
    "cpu-keda": {"ScaledObject", "HTTPRoute", "ServiceMonitor", "PrometheusRule"},
    "cpu-ingress": {"HorizontalPodAutoscaler", "Ingress", "ServiceMonitor", "PrometheusRule"},
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_has_every_resource_that_belongs_to_it_and_no_other(rendered: Rendered, overlay: str) -> None:
    kinds = {resource["kind"] for resource in rendered(overlay).resources}
    assert kinds == EVERYWHERE | IN_PRODUCTION.get(overlay, set())


def test_every_overlay_is_known_here() -> None:
    assert set(PRODUCTION) == IN_PRODUCTION.keys()


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("overlay", [*OVERLAYS, "batch"])
def test_resources_of_kubernetes_are_strictly_valid_and_only_custom_ones_are_warned_about(
    rendered: Rendered, tmp_path: Path, overlay: str, version: str
) -> None:
    _validate(rendered(overlay), version, tmp_path)


def _validate(manifests: Manifests, version: str, folder: Path) -> None:
    file = folder / "all.yaml"
    file.write_text(manifests.text)
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    warnings = [line for line in said.splitlines() if not line.startswith("INFO")]
    custom = [resource["kind"] for resource in manifests.resources if resource["kind"] in custom_resources.MODELS]
    assert len(warnings) == len(custom), said
    for kind in custom:
        assert any(re.match(rf"WARN\b.*\b{kind}\b", line, re.IGNORECASE) for line in warnings), (kind, warnings)


def test_a_misspelt_field_of_kubernetes_is_refused(rendered: Rendered, tmp_path: Path) -> None:
    text = rendered("cpu").text.replace("readinessProbe:", "readynessProbe:")
    with pytest.raises(AssertionError, match="readynessProbe"):
        _validate(Manifests(text, rendered("cpu").resources), NEWEST, tmp_path)


def test_components_go_together_in_other_ways_too(kubectl: str, tmp_path: Path) -> None:
    tree = shutil.copytree(K8S, tmp_path / "k8s")
    site = tree / "overlays" / "site"
    site.mkdir()
    names = ["gpu", "keys", "ingress", "keda", "monitoring"]
    kustomization = {
        "namespace": "elsewhere",
        "resources": ["../../base"],
        "components": [f"../../components/{name}" for name in names],
        **yaml.safe_load(readme_block("replacements:")),
    }
    (site / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    manifests = render(kubectl, site)
    _validate(manifests, NEWEST, tmp_path)
    scaled = manifests.one("ScaledObject")
    assert scaled["metadata"]["namespace"] == "elsewhere"
    assert asked_namespaces(scaled) == ["elsewhere", "elsewhere"]
    assert manifests.container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert not manifests.all("HorizontalPodAutoscaler")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_custom_resources_fit_their_models(rendered: Rendered, overlay: str) -> None:
    for resource in rendered(overlay).resources:
        if resource["kind"] in custom_resources.MODELS:
            custom_resources.check(resource)


@pytest.mark.parametrize("kind", custom_resources.MODELS)
def test_a_custom_resource_with_any_field_misspelt_is_refused(rendered: Rendered, kind: str) -> None:
    [resource, *_] = [found for overlay in PRODUCTION for found in rendered(overlay).all(kind)]
    broken = list(_misspelt(resource))
    assert len(broken) > 10
    for one in broken:
        with pytest.raises(ValidationError):
            custom_resources.MODELS[kind].model_validate(one)


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        ("HTTPRoute", ("spec", "rules", 0, "timeouts", "request"), "1d"),
        ("HTTPRoute", ("spec", "rules", 0, "timeouts", "backendRequest"), "25h"),
        ("HTTPRoute", ("spec", "rules", 0, "matches", 0, "path", "value"), "v1/stream"),
        ("HTTPRoute", ("spec", "rules", 0, "backendRefs", 0, "port"), "http"),
        ("HTTPRoute", ("spec", "hostnames"), ["https://attune.example.com"]),
        ("ServiceMonitor", ("spec", "endpoints", 0, "interval"), "15"),
        ("ServiceMonitor", ("spec", "endpoints", 0, "scrapeTimeout"), "16s"),
        ("ServiceMonitor", ("spec", "endpoints", 0, "port"), 8001),
        ("PrometheusRule", ("spec", "groups", 1, "name"), "attune.records"),
        ("PrometheusRule", ("spec", "groups", 1, "rules", 0, "for"), "2 minutes"),
        ("PrometheusRule", ("spec", "groups", 1, "rules", 0, "record"), "attune:down"),
        ("ScaledObject", ("spec", "triggers", 0, "metadata", "threshold"), 12),
        ("ScaledObject", ("spec", "triggers", 0, "name"), "queue"),
        ("ScaledObject", ("spec", "triggers", 0, "metricType"), "Value"),
        ("ScaledObject", ("spec", "minReplicaCount"), 11),
        ("ScaledObject", ("apiVersion",), "keda.sh/v1"),
    ],
)
def test_a_custom_resource_with_a_value_that_its_definition_refuses_is_refused(
    rendered: Rendered, kind: str, place: tuple[Any, ...], value: object
) -> None:
    changed = copy.deepcopy(rendered("cpu-keda").one(kind))
    *parents, name = place
    holder = changed
    for part in parents:
        holder = holder[part]
    holder[name] = value
    with pytest.raises(ValidationError):
        custom_resources.check(changed)


def _misspelt(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resource with one field after the other renamed, but for the free ones of labels and annotations."""

    def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if isinstance(value, dict) and not (path and path[-1] in {"labels", "annotations", "matchLabels"}):
            for name, item in value.items():
                yield (*path, name)
                yield from places(item, (*path, name))
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from places(item, (*path, index))

    for *parents, name in places(resource, ()):
        changed = copy.deepcopy(resource)
        holder = changed
        for part in parents:
            holder = holder[part]
        holder[f"{name}X"] = holder.pop(name)
        yield changed


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_lies_in_one_namespace_that_refuses_pods_with_more_rights(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    namespace = manifests.one("Namespace")
    others = [resource for resource in manifests.resources if resource["kind"] != "Namespace"]
    assert {resource["metadata"]["namespace"] for resource in others} == {namespace["metadata"]["name"]}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_installations_for_development_and_production_do_not_meet(rendered: Rendered) -> None:
    names = {rendered(overlay).one("Namespace")["metadata"]["name"] for overlay in PRODUCTION}
    assert rendered("dev").one("Namespace")["metadata"]["name"] not in names
