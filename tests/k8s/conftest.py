"""Every overlay, rendered once."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache

import pytest
from k8s.rendering import K8S, Manifests, render

_OLDEST = (1, 27)
"""The first kubectl whose kustomize knows components with generators and `labels` as they are used here."""


@pytest.fixture(scope="session")
def kubectl() -> str:
    """Path of kubectl; the test is skipped, saying so, where it is absent or too old."""
    path = shutil.which("kubectl")
    if path is None:
        pytest.skip("kubectl 1.27 or later is not installed")
    done = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, check=True, timeout=60)
    version = json.loads(done.stdout)["clientVersion"]["gitVersion"]
    match = re.match(r"v(\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < _OLDEST:
        pytest.skip(f"kubectl 1.27 or later is not installed: {path} is {version}")
    return path


@pytest.fixture(scope="session")
def rendered(kubectl: str) -> Callable[[str], Manifests]:
    """The resources of an overlay, or of `batch`, by its name."""
    return cache(lambda name: render(kubectl, K8S / name if name == "batch" else K8S / "overlays" / name))
