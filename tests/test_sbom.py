"""The bill of materials is one, and names all that runs and nothing else."""

import hashlib
import json
import re
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import sbom
from service.assets import SHA256

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file that `make sbom` writes."""
    file = tmp_path_factory.mktemp("sbom") / "attune.cdx.json"
    sbom.main(file)
    return file.read_text()


@pytest.fixture(scope="module")
def bill(text: str) -> dict[str, Any]:
    """What is in it."""
    content: dict[str, Any] = json.loads(text)
    return content


def test_it_is_valid_cyclonedx(text: str) -> None:
    assert JsonStrictValidator(sbom.VERSION).validate_str(text) is None


def test_it_names_every_package_that_runs_in_the_version_that_is_installed(bill: dict[str, Any]) -> None:
    named = {canonicalize_name(one["name"]): one for one in bill["components"] if one["type"] == "library"}
    for requirement in sbom.needs("attune", (sbom.build_installed(), *sbom.EXTRAS)):
        name = canonicalize_name(requirement.name)
        assert named[name]["version"] == version(name)
        assert named[name]["purl"] == f"pkg:pypi/{name}@{version(name)}"
    for name, one in named.items():
        if name == "ffmpeg":
            continue
        assert one["licenses"]
        for line in distribution(name).requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in named, f"{name} needs {needed.name}"
    assert bill["metadata"]["component"]["name"] == "attune"


def test_it_names_nothing_that_is_for_development_alone(bill: dict[str, Any]) -> None:
    named = {one["name"].lower() for one in bill["components"]}
    assert not {"pytest", "mypy", "ruff", "bandit", "hypothesis", "torch", "onnx", "playwright"} & named


def test_it_has_the_hashes_of_the_files_that_are_loaded(bill: dict[str, Any]) -> None:
    hashes = {one["name"]: one["hashes"][0]["content"] for one in bill["components"] if "hashes" in one}
    assert hashes["face_detection_short_range.tflite"] == SHA256
    for file in (ROOT / "service" / "weights").rglob("*.onnx"):
        assert hashes[str(file.relative_to(ROOT / "service"))] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_it_says_what_depends_on_what_and_every_part_is_of_use_to_something(bill: dict[str, Any]) -> None:
    references = {one["bom-ref"] for one in bill["components"]}
    assert len(references) == len(bill["components"])
    used = {name for one in bill["dependencies"] for name in one.get("dependsOn", [])}
    assert used == references


def test_the_make_target_and_the_document_name_it() -> None:
    makefile, page = (ROOT / "Makefile").read_text(), (ROOT / "docs" / "security.md").read_text()
    for target in ("sbom", "audit"):
        assert re.search(rf"^{target}: setup-dev$", makefile, re.MULTILINE)
        assert f"`make {target}`" in page
