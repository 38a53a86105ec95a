"""What is declared, and what the code really does with it."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

ASKED_FOR = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "mediapipe": "mediapipe",
    "pydantic": "pydantic",
    "prometheus-client": "prometheus_client",
    "webrtcvad-wheels": "webrtcvad",
}
"""Direct dependencies by distribution, and the module that the running path imports."""

LAYERS = {
    "representation": 0,
    "errors": 0,
    "logs": 0,
    "credentials": 1,
    "domain": 1,
    "assets": 1,
    "timeline": 2,
    "protocol": 3,
    "media": 4,
    "perception": 5,
    "engine": 4,
    "settings": 5,
    "analysis": 5,
    "client": 5,
    "workers": 6,
    "api": 7,
    "cli": 8,
    "__main__": 9,
}
"""Imports lead from a higher layer to a lower one, or stay within a package."""


def _declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[<>=\[;~! ]", line)[0] for line in project["dependencies"]]


def _imports(file: Path) -> set[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


SERVICE = sorted((ROOT / "service").rglob("*.py"))
SOURCES = [*SERVICE, *sorted((ROOT / "model_export").rglob("*.py"))]


@pytest.mark.parametrize("distribution", sorted(ASKED_FOR))
def test_a_dependency_the_project_is_built_on_is_direct_and_used(distribution: str) -> None:
    assert distribution in _declared()
    used = {name.split(".")[0] for file in SERVICE for name in _imports(file)}
    assert ASKED_FOR[distribution] in used


def test_mediapipe_is_pinned_below_the_release_that_contacts_a_logging_host() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [requirement] = [line for line in project["dependencies"] if line.startswith("mediapipe")]
    assert requirement.endswith("<0.10.35")
    [pinned] = re.findall(r"(?m)^mediapipe==0\.10\.(\d+)$", (ROOT / "constraints.txt").read_text())
    assert int(pinned) < 35


def test_cpu_and_gpu_builds_of_onnxruntime_are_extras_that_exclude_each_other() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert not any(line.startswith("onnxruntime") for line in _declared())
    assert [line for line in extras["cpu"] if line.startswith("onnxruntime")]
    assert all(not line.startswith("onnxruntime-gpu") for line in extras["cpu"])
    assert all(line.startswith("onnxruntime-gpu[cuda,cudnn]") for line in extras["gpu"])


def test_constraints_are_exact_versions_and_name_no_host() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert set(_declared()) <= pinned


@pytest.mark.parametrize("file", SERVICE, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_lead_one_way(file: Path) -> None:
    parts = file.relative_to(ROOT).with_suffix("").parts
    if parts == ("service", "__init__"):
        return
    own = parts[1]
    for name in _imports(file):
        top = name.split(".")
        assert top[0] not in {"torch", "model_export"}, f"{name}: the service never imports it"
        if top[0] == "service" and len(top) > 1 and top[1] in LAYERS and top[1] != own:
            assert LAYERS[top[1]] < LAYERS[own], f"{own} imports {top[1]}"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_is_longer_than_400_lines(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 400
