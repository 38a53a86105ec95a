# ruff: noqa: N815 - the names are those of Kubernetes
"""The custom resources that k8s/ uses, as far as it uses them: what their definitions demand, and not a field more.

After the definitions of Gateway API 1.2 (v1), KEDA 2.17 (keda.sh/v1alpha1) and the Prometheus operator 0.82
(monitoring.coreos.com/v1). A field that is not here is refused, so that a misspelt one cannot pass.
"""

from typing import Annotated, Any, Final, Literal

from k8s.rendering import duration
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
Port = Annotated[int, Field(ge=1, le=65_535)]
GatewayDuration = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$")]
"""GEP-2257."""
PrometheusDuration = Annotated[
    str, StringConstraints(pattern=r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$")
]
Hostname = Annotated[
    str, StringConstraints(pattern=r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?$")]


class Fields(BaseModel):
    """An object of which every field is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Metadata(Fields):
    """What every resource has."""

    name: Name
    namespace: Name
    labels: dict[str, str]


class ParentRef(Fields):
    """The listener of a Gateway."""

    name: Name
    namespace: Name
    sectionName: Name


class PathMatch(Fields):
    """A path, whole or from its beginning."""

    type: Literal["Exact", "PathPrefix"]
    value: Annotated[str, StringConstraints(pattern=r"^/", max_length=1024)]


class RouteMatch(Fields):
    """What requests a rule is for."""

    path: PathMatch


class Timeouts(Fields):
    """Of a whole request, and of one try at a backend."""

    request: GatewayDuration
    backendRequest: GatewayDuration

    @model_validator(mode="after")
    def _one_try_is_no_longer(self) -> "Timeouts":
        if duration(self.backendRequest) > duration(self.request):
            raise ValueError("backendRequest timeout cannot be longer than request timeout")
        return self


class BackendRef(Fields):
    """A port of a Service in the same namespace."""

    name: Name
    port: Port


class RouteRule(Fields):
    """Where some requests go."""

    matches: Annotated[list[RouteMatch], Field(min_length=1, max_length=64)]
    timeouts: Timeouts
    backendRefs: Annotated[list[BackendRef], Field(min_length=1, max_length=16)]


class RouteSpec(Fields):
    """Hosts and rules of a route."""

    parentRefs: Annotated[list[ParentRef], Field(min_length=1, max_length=32)]
    hostnames: Annotated[list[Hostname], Field(min_length=1, max_length=16)]
    rules: Annotated[list[RouteRule], Field(min_length=1, max_length=16)]


class HTTPRoute(Fields):
    """Gateway API."""

    apiVersion: Literal["gateway.networking.k8s.io/v1"]
    kind: Literal["HTTPRoute"]
    metadata: Metadata
    spec: RouteSpec


class LabelSelector(Fields):
    """Resources with these labels."""

    matchLabels: Annotated[dict[str, str], Field(min_length=1)]


class Endpoint(Fields):
    """What of a Service is scraped."""

    port: Name
    path: Annotated[str, StringConstraints(pattern=r"^/")]
    interval: PrometheusDuration
    scrapeTimeout: PrometheusDuration

    @model_validator(mode="after")
    def _an_answer_comes_before_the_next_scrape(self) -> "Endpoint":
        if duration(self.scrapeTimeout) > duration(self.interval):
            raise ValueError("scrapeTimeout must not be longer than interval")
        return self


class ServiceMonitorSpec(Fields):
    """Which Services."""

    jobLabel: str
    selector: LabelSelector
    endpoints: Annotated[list[Endpoint], Field(min_length=1)]


class ServiceMonitor(Fields):
    """Prometheus operator."""

    apiVersion: Literal["monitoring.coreos.com/v1"]
    kind: Literal["ServiceMonitor"]
    metadata: Metadata
    spec: ServiceMonitorSpec


class Rule(Fields):
    """An alert or a recorded series, one of both."""

    alert: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$")] | None = None
    record: MetricName | None = None
    expr: Annotated[str, StringConstraints(min_length=1)]
    for_: Annotated[PrometheusDuration | None, Field(alias="for")] = None
    keep_firing_for: PrometheusDuration | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_of_both(self) -> "Rule":
        if (self.alert is None) == (self.record is None):
            raise ValueError("only one of `record` and `alert` must be set")
        if self.record is not None and (self.annotations or self.for_ or self.keep_firing_for):
            raise ValueError("a recorded series has neither annotations nor durations")
        return self


class RuleGroup(Fields):
    """Rules that are evaluated one after the other."""

    name: Annotated[str, StringConstraints(min_length=1)]
    interval: PrometheusDuration | None = None
    rules: Annotated[list[Rule], Field(min_length=1)]


class PrometheusRuleSpec(Fields):
    """All groups, each under a name of its own."""

    groups: Annotated[list[RuleGroup], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> "PrometheusRuleSpec":
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("two groups have the same name")
        return self


class PrometheusRule(Fields):
    """Prometheus operator."""

    apiVersion: Literal["monitoring.coreos.com/v1"]
    kind: Literal["PrometheusRule"]
    metadata: Metadata
    spec: PrometheusRuleSpec


class ScalingPolicy(Fields):
    """How much may change within how many seconds."""

    type: Literal["Pods", "Percent"]
    value: Annotated[int, Field(gt=0)]
    periodSeconds: Annotated[int, Field(gt=0, le=1800)]


class ScalingRules(Fields):
    """In one direction."""

    stabilizationWindowSeconds: Annotated[int, Field(ge=0, le=3600)]
    selectPolicy: Literal["Max", "Min", "Disabled"]
    policies: Annotated[list[ScalingPolicy], Field(min_length=1)]


class Behavior(Fields):
    """In both directions."""

    scaleUp: ScalingRules
    scaleDown: ScalingRules


class AutoscalerConfig(Fields):
    """What KEDA hands on to the autoscaler that it makes."""

    behavior: Behavior


class Advanced(Fields):
    """The rest."""

    horizontalPodAutoscalerConfig: AutoscalerConfig


class TargetRef(Fields):
    """What is scaled."""

    apiVersion: Literal["apps/v1"]
    kind: Literal["Deployment"]
    name: Name


class Fallback(Fields):
    """Where there are no metrics; since KEDA 2.17 with a behaviour."""

    failureThreshold: Annotated[int, Field(ge=1)]
    replicas: Annotated[int, Field(ge=0)]
    behavior: Literal["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]


class PrometheusTriggerMetadata(Fields):
    """Metadata of KEDA's triggers are text, whatever they mean."""

    serverAddress: Annotated[str, StringConstraints(pattern=r"^https?://")]
    query: Annotated[str, StringConstraints(min_length=1)]
    threshold: Number
    ignoreNullValues: Literal["true", "false"]


class PrometheusTrigger(Fields):
    """A query to Prometheus, divided by its threshold. A fallback holds for average values alone."""

    type: Literal["prometheus"]
    name: Name
    metricType: Literal["AverageValue"]
    metadata: PrometheusTriggerMetadata


class ScaledObjectSpec(Fields):
    """How many replicas, by what."""

    scaleTargetRef: TargetRef
    pollingInterval: Annotated[int, Field(gt=0)]
    minReplicaCount: Annotated[int, Field(ge=0)]
    maxReplicaCount: Annotated[int, Field(ge=1)]
    fallback: Fallback
    advanced: Advanced
    triggers: Annotated[list[PrometheusTrigger], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> "ScaledObjectSpec":
        if self.minReplicaCount > self.maxReplicaCount:
            raise ValueError("minReplicaCount must not be above maxReplicaCount")
        if len({trigger.name for trigger in self.triggers}) < len(self.triggers):
            raise ValueError("two triggers have the same name")
        return self


class ScaledObject(Fields):
    """KEDA."""

    apiVersion: Literal["keda.sh/v1alpha1"]
    kind: Literal["ScaledObject"]
    metadata: Metadata
    spec: ScaledObjectSpec


MODELS: Final[dict[str, type[Fields]]] = {
    "HTTPRoute": HTTPRoute,
    "PrometheusRule": PrometheusRule,
    "ScaledObject": ScaledObject,
    "ServiceMonitor": ServiceMonitor,
}
"""By kind."""


def check(resource: dict[str, Any]) -> None:
    """Hold a custom resource against its model. Raises ValidationError, or KeyError for a kind that has none."""
    MODELS[resource["kind"]].model_validate(resource)
