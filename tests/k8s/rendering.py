"""What `kubectl kustomize` makes of the folders under k8s/."""

import base64
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

ROOT: Final = Path(__file__).parents[2]
K8S: Final = ROOT / "k8s"
OVERLAYS: Final = sorted(folder.name for folder in (K8S / "overlays").iterdir() if folder.name != "site")
"""Without the one that an installation adds, which git ignores."""
PRODUCTION: Final = [name for name in OVERLAYS if name != "dev"]

_FACTORS: Final = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
_SECONDS: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True)
class Manifests:
    """All resources of one installation."""

    text: str
    """As rendered, one YAML document for each resource."""
    resources: list[dict[str, Any]]

    def all(self, kind: str) -> list[dict[str, Any]]:
        """The resources of one kind."""
        return [resource for resource in self.resources if resource["kind"] == kind]

    def one(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The resource of that kind and name; there must be exactly one."""
        [found] = [resource for resource in self.all(kind) if name is None or resource["metadata"]["name"] == name]
        return found

    @property
    def pod(self) -> dict[str, Any]:
        """The specification of the service's pods."""
        spec: dict[str, Any] = self.one("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> dict[str, Any]:
        """The one container of a pod."""
        [container] = self.pod["containers"]
        found: dict[str, Any] = container
        return found

    @property
    def environment(self) -> dict[str, str]:
        """The variables that a container gets: those of the ConfigMap and of the Secret that it refers to by name."""
        [source] = self.container["envFrom"]
        variables: dict[str, str] = dict(self.one("ConfigMap", source["configMapRef"]["name"])["data"])
        for variable in self.container["env"]:
            reference = variable["valueFrom"]["secretKeyRef"]
            secret = self.one("Secret", reference["name"])["data"][reference["key"]]
            variables[variable["name"]] = base64.b64decode(secret).decode()
        return variables

    @property
    def ports(self) -> dict[str, int]:
        """The container's ports by name."""
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def setting(self, name: str) -> float:
        """The number that the variable ATTUNE_<NAME> holds."""
        return float(self.environment[f"ATTUNE_{name.upper()}"])

    def limit(self, resource: str) -> float:
        """The container's limit of cpu (cores), memory (bytes) and the like."""
        return quantity(self.container["resources"]["limits"][resource])

    def volume_limit(self, name: str) -> float:
        """Bytes that the emptyDir of that name may hold."""
        [volume] = [volume for volume in self.pod["volumes"] if volume["name"] == name]
        return quantity(volume["emptyDir"]["sizeLimit"])


def render(kubectl: str, folder: Path) -> Manifests:
    """The resources of the kustomization in `folder`. It must render without a word of warning."""
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return Manifests(done.stdout, list(yaml.safe_load_all(done.stdout)))


def asked_namespaces(scaled: dict[str, Any]) -> list[str]:
    """The namespaces that the queries of a ScaledObject name, one after the other."""
    queries = [trigger["metadata"]["query"] for trigger in scaled["spec"]["triggers"]]
    return [namespace for query in queries for namespace in re.findall(r'namespace="([^"]*)"', query)]


def readme_block(beginning: str) -> str:
    """The YAML in k8s/README.md that has a line with this beginning."""
    parts = (K8S / "README.md").read_text().split("```")
    blocks = [part.removeprefix("yaml\n") for part in parts[1::2] if part.startswith("yaml\n")]
    [found] = [block for block in blocks if re.search(rf"(?m)^ *{re.escape(beginning)}", block)]
    return found


def quantity(text: str | int) -> float:
    """The number that a Kubernetes quantity stands for, such as 500m or 8Gi."""
    match = re.fullmatch(r"([0-9.]+)(m|k|M|G|Ki|Mi|Gi|)", str(text))
    assert match, text
    return float(match[1]) * _FACTORS[match[2]]


def duration(text: str) -> float:
    """Seconds of a duration such as 24h or 1h30m, as the Gateway API and Prometheus write them."""
    parts = re.findall(r"([0-9]+)(ms|s|m|h|d)", text)
    assert "".join(number + unit for number, unit in parts) == text, text
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Whether `matchLabels` fit."""
    return selector.items() <= labels.items()
