"""What a pod may, what it needs, what it is asked, and how it goes."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from k8s.rendering import OVERLAYS, PRODUCTION, Manifests, quantity, selects

from service import __version__

Rendered = Callable[[str], Manifests]

GIB = 2.0**30
API_PROCESS, DECODER = 0.5 * GIB, 0.3 * GIB
"""Resident memory with a margin of half: both together are 0.5 GB where 8 sessions share two decoders (make bench)."""
TO_END = 10
"""Seconds that a service needs, beyond its settings, to end its processes."""
LONGEST_GRACE = 600
"""Seconds that the cluster autoscaler waits for a pod, unless told otherwise, before it takes the node away."""


def _probe(manifests: Manifests, kind: str) -> tuple[str, str]:
    request = manifests.container[f"{kind}Probe"]["httpGet"]
    return request["path"], request["port"]


def _failing(probe: dict[str, Any]) -> int:
    """Seconds after which a probe that goes on failing has its effect, at the latest."""
    return int(probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_container_is_as_restricted_as_can_be(rendered: Rendered, overlay: str) -> None:
    pod, container = rendered(overlay).pod, rendered(overlay).container
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["runAsGroup"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert not any("hostPort" in port for port in container["ports"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_token_of_a_service_account_reaches_the_container(rendered: Rendered, overlay: str) -> None:
    account = rendered(overlay).one("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    assert rendered(overlay).pod["automountServiceAccountToken"] is False
    assert rendered(overlay).pod["serviceAccountName"] == account["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_of_the_namespace_set_no_variables(rendered: Rendered, overlay: str) -> None:
    # The Service `attune` would set ATTUNE_PORT to tcp://..., which is no port, and nothing would start.
    assert rendered(overlay).pod["enableServiceLinks"] is False


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_written_lies_in_memory_with_a_bound_that_the_memory_limit_has_room_for(
    rendered: Rendered, overlay: str
) -> None:
    manifests = rendered(overlay)
    volumes = {volume["name"]: volume["emptyDir"] for volume in manifests.pod["volumes"]}
    assert {mount["name"]: mount["mountPath"] for mount in manifests.container["volumeMounts"]} == {
        "spool": manifests.environment["ATTUNE_SPOOL_DIR"],
        "tmp": "/tmp",  # noqa: S108
    }
    assert {volume["medium"] for volume in volumes.values()} == {"Memory"}
    assert manifests.volume_limit("spool") >= manifests.setting("max_analyses") * manifests.setting("max_spool_bytes")
    written = sum(manifests.volume_limit(name) for name in volumes)
    # One decoder that runs wild meets its own bound first.
    others = API_PROCESS + manifests.limit("cpu") * DECODER
    assert written + manifests.setting("worker_memory_bytes") + others <= manifests.limit("memory")


@pytest.mark.parametrize("overlay", PRODUCTION)
def test_a_pod_in_production_is_guaranteed_what_it_may_use(rendered: Rendered, overlay: str) -> None:
    resources = rendered(overlay).container["resources"]
    assert resources["requests"] == resources["limits"]
    assert resources["limits"].keys() >= {"cpu", "memory", "ephemeral-storage"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cores_are_whole_and_limited_since_the_service_sizes_itself_by_them(
    rendered: Rendered, overlay: str
) -> None:
    assert rendered(overlay).limit("cpu").is_integer()


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_has_the_image_and_provider_of_its_kind_of_node(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    kind = "gpu" if overlay == "gpu" else "cpu"
    assert manifests.container["image"] == f"attune:{__version__}-{kind}"
    assert manifests.environment["ATTUNE_PROVIDER"] == ("cuda" if kind == "gpu" else "cpu")
    assert manifests.container["resources"]["limits"].get("nvidia.com/gpu") == ("1" if kind == "gpu" else None)


def test_a_pod_with_a_gpu_tolerates_the_taint_of_gpu_nodes_and_its_rollout_needs_no_further_gpu(
    rendered: Rendered,
) -> None:
    [toleration] = rendered("gpu").pod["tolerations"]
    assert (toleration["key"], toleration["effect"]) == ("nvidia.com/gpu", "NoSchedule")
    rolling = rendered("gpu").one("Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxSurge": 0, "maxUnavailable": 1}
    assert "tolerations" not in rendered("cpu").pod


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_probe_asks_something_of_its_own(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    assert _probe(manifests, "startup") == ("/health/ready", "http")
    assert _probe(manifests, "readiness") == ("/health/ready", "http")
    # The admin port answers until the process leaves; the main one is closed during a drain.
    assert _probe(manifests, "liveness") == ("/health/live", "admin")
    startup, readiness, liveness = (
        manifests.container[f"{kind}Probe"] for kind in ("startup", "readiness", "liveness")
    )
    assert _failing(readiness) < _failing(liveness), "a pod is led away from before it is killed"
    assert _failing(startup) >= 120, "decoding processes may take so long on a cold node"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_ports_of_the_container_are_those_that_the_service_listens_on(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    assert manifests.ports == {"http": manifests.setting("port"), "admin": manifests.setting("admin_port")}
    # Kubelet and Prometheus ask from outside of the pod.
    assert (manifests.environment["ATTUNE_HOST"], manifests.environment["ATTUNE_ADMIN_HOST"]) == ("0.0.0.0", "0.0.0.0")  # noqa: S104


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_grace_period_has_room_for_prestop_and_the_whole_drain(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    hook = manifests.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = manifests.setting("drain_delay") + manifests.setting("shutdown_grace")
    assert manifests.setting("session_grace") <= manifests.setting("shutdown_grace")
    assert hook + drain + TO_END <= manifests.pod["terminationGracePeriodSeconds"] <= LONGEST_GRACE


@pytest.mark.parametrize("overlay", PRODUCTION)
def test_a_drain_waits_until_readiness_has_led_everybody_away(rendered: Rendered, overlay: str) -> None:
    readiness = rendered(overlay).container["readinessProbe"]
    assert rendered(overlay).setting("drain_delay") > _failing(readiness)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_go_one_at_a_time_and_a_broken_one_holds_nothing_up(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    budget = manifests.one("PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    labels = manifests.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert selects(budget["selector"]["matchLabels"], labels)
    assert selects(manifests.one("Deployment")["spec"]["selector"]["matchLabels"], labels)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_spread_over_zones_and_nodes(rendered: Rendered, overlay: str) -> None:
    manifests = rendered(overlay)
    constraints = manifests.pod["topologySpreadConstraints"]
    labels = manifests.one("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert [one["topologyKey"] for one in constraints] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert all(selects(one["labelSelector"]["matchLabels"], labels) for one in constraints)
    nodes = constraints[1]
    must = overlay not in {"dev", "gpu"}
    assert nodes["whenUnsatisfiable"] == ("DoNotSchedule" if must else "ScheduleAnyway")
    assert nodes["maxSkew"] == 1
    # Else the control plane, tainted and empty, would hold every node at one pod.
    assert nodes["nodeTaintsPolicy"] == "Honor"


def test_the_small_pod_for_development_asks_for_less_than_it_may_use(rendered: Rendered) -> None:
    requests = rendered("dev").container["resources"]["requests"]
    assert quantity(requests["cpu"]) < 1
    assert rendered("dev").one("Deployment")["spec"]["replicas"] == 1
    assert re.fullmatch(r"attune-dev", rendered("dev").one("Namespace")["metadata"]["name"])
