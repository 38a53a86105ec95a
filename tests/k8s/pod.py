"""A pod without Kubernetes: the service with the user, the root, the volumes and the variables of its manifest."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from api.harness import PATIENCE
from k8s.rendering import ROOT, Manifests
from live.replicas import lasting_port

from service.assets import face_detector_path

_SHOWN: Final = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/opt", "/proc", "/sbin", "/sys", "/usr")
# A root of its own, read-only: a tmpfs for each volume; the system, Python and this repository, which may lie in one.
_ENTER: Final = """
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 root "$NEW_ROOT"
for volume in $VOLUMES; do
    mkdir -p "$NEW_ROOT${volume%%:*}"
    mount -t tmpfs -o "mode=777,size=${volume##*:}" volume "$NEW_ROOT${volume%%:*}"
done
for folder in $SHOWN; do
    if [ -L "$folder" ]; then
        cp -P "$folder" "$NEW_ROOT"
    elif [ -d "$folder" ]; then
        mkdir -p "$NEW_ROOT$folder"
        mount --rbind "$folder" "$NEW_ROOT$folder"
        mount -o remount,bind,ro "$NEW_ROOT$folder"
    fi
done
mkdir "$NEW_ROOT/assets"
mount --bind "$ASSETS" "$NEW_ROOT/assets"
mount -o remount,ro "$NEW_ROOT"
exec chroot "$NEW_ROOT" setpriv --reuid "$USER_ID" --regid "$GROUP_ID" --clear-groups \
    --inh-caps=-all --ambient-caps=-all --bounding-set=-all --no-new-privs "$@"
"""


class Pod:
    """A running service, asked as kubelet would ask it."""

    def __init__(self, manifests: Manifests, process: subprocess.Popen[bytes], ports: dict[str, int]) -> None:
        self.process = process
        self.ports = ports
        self._container = manifests.container

    def url(self, port: str, path: str) -> str:
        """Where a named port answers."""
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    def probe(self, kind: str) -> int:
        """The status that a probe of the manifest gets; 0 where nobody answers."""
        request = self._container[f"{kind}Probe"]["httpGet"]
        try:
            return httpx.get(self.url(request["port"], request["path"]), trust_env=False, timeout=30).status_code
        except httpx.TransportError:
            return 0


def refusal() -> str | None:
    """Why no pod can be run on this machine, or None."""
    if os.geteuid() != 0 or any(shutil.which(name) is None for name in ("unshare", "setpriv", "chroot")):
        return "a read-only root needs root, unshare and setpriv (on Debian: apt install util-linux)"
    if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode:
        return "a read-only root needs the right to mount"
    if not Path(__file__).stat().st_mode & 0o004:
        return f"the pod's user cannot read what is in {ROOT}"
    return None


@contextmanager
def pod(manifests: Manifests, folder: Path, **variables: str) -> Iterator[Pod]:
    """The service of `manifests`, with these variables in place of some of its own, and ports that are free.

    Its log goes to `folder`/log. Where none can be run the test is skipped, in CI it fails.
    """
    if reason := refusal():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    ports = {name: lasting_port() for name in manifests.ports}
    environment = (
        _of_the_image()
        | manifests.environment
        | {
            "ATTUNE_PORT": str(ports["http"]),
            "ATTUNE_ADMIN_PORT": str(ports["admin"]),
            "ATTUNE_CACHE": "/assets",  # as the image has it
            **variables,
        }
    )
    assets, root = folder / "assets", folder / "root"
    for made in (assets, root):
        made.mkdir()
    shutil.copy(face_detector_path(), assets)
    for place in (assets, *assets.iterdir()):
        place.chmod(0o755)
    mounts = {mount["name"]: mount["mountPath"] for mount in manifests.container["volumeMounts"]}
    own = {
        "PATH": os.environ["PATH"],
        "NEW_ROOT": str(root),
        "ASSETS": str(assets),
        "SHOWN": " ".join([*_SHOWN, sys.base_prefix, str(ROOT)]),
        "VOLUMES": " ".join(f"{path}:{manifests.volume_limit(name):.0f}" for name, path in mounts.items()),
        "USER_ID": str(manifests.pod["securityContext"]["runAsUser"]),
        "GROUP_ID": str(manifests.pod["securityContext"]["runAsGroup"]),
    }
    command = ["env", "-i", "-C", "/tmp", *(f"{name}={value}" for name, value in environment.items())]  # noqa: S108
    command += [sys.executable, "-m", "service", *manifests.container["args"]]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _ENTER, "sh", *command], env=own, stdout=log, stderr=log
        )
    try:
        yield Pod(manifests, process, ports)
    finally:
        process.kill()
        process.wait(PATIENCE)


def _of_the_image() -> dict[str, str]:
    """The variables that docker/Dockerfile gives every image, but for the path."""
    stage = (ROOT / "docker/Dockerfile").read_text().partition(" AS runtime\n")[2].partition("\nFROM ")[0]
    [block] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    variables = dict(part.split("=", 1) for part in block.replace("\\\n", " ").split())
    return {name: value for name, value in variables.items() if name != "PATH"}
