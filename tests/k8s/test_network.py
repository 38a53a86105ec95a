"""Who reaches whom: services, ways in, and the policies that deny everything else."""

from collections.abc import Callable
from typing import Any

import pytest
from k8s.rendering import OVERLAYS, PRODUCTION, Manifests, duration, selects

from service.settings import Settings

Rendered = Callable[[str], Manifests]


def _labels(manifests: Manifests) -> dict[str, str]:
    labels: dict[str, str] = manifests.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    return labels


def _incoming(manifests: Manifests, port: str) -> list[dict[str, Any]]:
    """The peers that some policy lets in on a port of the pods."""
    rules = [rule for policy in manifests.all("NetworkPolicy") for rule in policy["spec"].get("ingress", [])]
    assert all("ports" in rule and "from" in rule for rule in rules), "everybody, or every port"
    return [peer for rule in rules if {"port": port} in rule["ports"] for peer in rule["from"]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_denied_that_no_policy_names(rendered: Rendered, overlay: str) -> None:
    policy = rendered(overlay).one("NetworkPolicy", "default-deny")["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_goes_out_but_questions_to_dns(rendered: Rendered, overlay: str) -> None:
    rules = [rule for policy in rendered(overlay).all("NetworkPolicy") for rule in policy["spec"].get("egress", [])]
    [rule] = rules
    assert {(port["port"], port["protocol"]) for port in rule["ports"]} == {(53, "UDP"), (53, "TCP")}
    [peer] = rule["to"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
    assert peer["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}


@pytest.mark.parametrize("overlay", PRODUCTION)
def test_all_policies_together_let_nothing_into_or_out_of_the_pods_of_a_batch(rendered: Rendered, overlay: str) -> None:
    batch = rendered("batch")
    template = batch.one("Job")["spec"]["template"]
    # Policies of one namespace add up.
    policies = [*rendered(overlay).all("NetworkPolicy"), *batch.all("NetworkPolicy")]
    assert len({policy["metadata"]["namespace"] for policy in policies}) == 1
    about_it = [
        policy["spec"]
        for policy in policies
        if selects(policy["spec"]["podSelector"].get("matchLabels", {}), template["metadata"]["labels"])
    ]
    assert {direction for spec in about_it for direction in spec["policyTypes"]} == {"Ingress", "Egress"}
    assert [spec for spec in about_it if spec.get("ingress") or spec.get("egress")] == []


@pytest.mark.parametrize("overlay", PRODUCTION)
def test_callers_come_in_by_the_gateway_alone_and_only_prometheus_reaches_the_admin_port(
    rendered: Rendered, overlay: str
) -> None:
    manifests = rendered(overlay)
    [caller] = _incoming(manifests, "http")
    [watcher] = _incoming(manifests, "admin")
    way_in = "haproxy-controller" if overlay == "cpu-ingress" else "gateway"
    assert caller == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": way_in}}}
    assert watcher == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
    }


def test_nobody_is_let_in_to_a_service_without_keys(rendered: Rendered) -> None:
    manifests = rendered("dev")
    assert manifests.environment["ATTUNE_ALLOW_ANONYMOUS"] == "true"
    assert _incoming(manifests, "http") == _incoming(manifests, "admin") == []
    assert {service["spec"].get("type", "ClusterIP") for service in manifests.all("Service")} == {"ClusterIP"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_policies_and_services_are_about_the_pods_and_their_ports(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    for policy in manifests.all("NetworkPolicy"):
        assert selects(policy["spec"]["podSelector"].get("matchLabels", {}), _labels(manifests))
        for rule in policy["spec"].get("ingress", []):
            assert {port["port"] for port in rule["ports"]} <= manifests.ports.keys()
    for service in manifests.all("Service"):
        assert selects(service["spec"]["selector"], _labels(manifests))
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= manifests.ports.keys()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_service_for_callers_leads_to_no_admin_port_and_ties_nobody_to_a_pod(
    rendered: Rendered, overlay: str
) -> None:
    service = rendered(overlay).one("Service", "attune")["spec"]
    assert [port["targetPort"] for port in service["ports"]] == ["http"]
    assert service.get("sessionAffinity", "None") == "None"


def _routes(manifests: Manifests) -> dict[str, dict[str, Any]]:
    rules = manifests.one("HTTPRoute")["spec"]["rules"]
    return {match["path"]["value"]: rule for rule in rules for match in rule["matches"]}


@pytest.mark.parametrize("overlay", [name for name in PRODUCTION if name != "cpu-ingress"])
def test_the_route_leads_to_the_service_over_tls_and_outlasts_sessions_and_uploads(
    rendered: Rendered, overlay: str
) -> None:
    manifests = rendered(overlay)
    service = manifests.one("Service", "attune")
    routes = _routes(manifests)
    for rule in routes.values():
        [backend] = rule["backendRefs"]
        assert backend["name"] == service["metadata"]["name"]
        assert backend["port"] in [port["port"] for port in service["spec"]["ports"]]
    [parent] = manifests.one("HTTPRoute")["spec"]["parentRefs"]
    assert parent["sectionName"] == "https"
    defaults = Settings.model_fields
    assert duration(routes["/v1/stream"]["timeouts"]["request"]) >= max(
        defaults["max_session_duration"].default, defaults["checkpoint_lifetime"].default
    )
    assert duration(routes["/v1/analyses"]["timeouts"]["request"]) > defaults["max_duration"].default
    assert routes.keys() == {"/", "/v1/stream", "/v1/analyses"}


def test_the_ingress_leads_to_the_service_over_tls_and_outlasts_uploads(rendered: Rendered) -> None:
    ingress = rendered("cpu-ingress").one("Ingress")
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    service = rendered("cpu-ingress").one("Service", path["backend"]["service"]["name"])
    assert path["backend"]["service"]["port"]["name"] in [port["name"] for port in service["spec"]["ports"]]
    assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
    annotations = ingress["metadata"]["annotations"]
    assert duration(annotations["haproxy.org/timeout-server"]) > Settings.model_fields["max_duration"].default
    assert annotations["haproxy.org/check-http"] == "/health/ready"
    assert annotations["haproxy.org/ssl-redirect"] == "true"
